"""What the stage `mask` stands on, a module for each kind of personal data.

folding   one form for all digits, letters and signs, of the same length
numbers   what tells a number of a person from other digits; resident ids, bank cards
net       mail addresses and web addresses
phones    mobiles and land-lines, of China and of other places
contacts  QQ and WeChat
records   numbers of stays, examinations, specimens, cards and insurances
ids       passports, ids of Hong Kong, Macau and Taiwan, permits, number plates
names     names and postal addresses behind the word that announces them
hints     which texts of a batch may hold any of these

A module's finders take a folded text and the windows to look into, and yield ``(start, end)``.
"""
