"""Pages of a site, and the file that says what stands where on them.

site_file   a user's file, checked
pages       a page becomes a row
"""
