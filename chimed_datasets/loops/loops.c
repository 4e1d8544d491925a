/* The loops over characters that take most of a build's time, as plain C functions over buffers.

   Each does what a chain of NumPy passes does elsewhere in the package (its twin, named in its
   comment), value for value; tests/loops compares the two. None allocates, keeps anything, or
   knows Python: loops/calls.py calls them by ctypes and owns every buffer.

   What they share:
   points   uint32[k], the code points of all texts end to end. Any value is safe: what is looked up
            in a table of `size` entries and lies beyond it counts as an entry of 0.
   offsets  int64[m + 1]; text i is points[offsets[i]] up to points[offsets[i + 1]]. They ascend,
            from 0 or more, and end at k or before. Where they do not, a function returns BAD, and
            has read and written nothing.
   out      a buffer of the caller's with as much room as a comment says. Buffers do not overlap.

   Nothing before or behind the texts that offsets tell is read, unless a comment says so. */

#include <stdint.h>
#include <string.h>

#if defined(_MSC_VER)
#define EXPORT __declspec(dllexport)
#define ALONE __restrict
#define INLINE static __forceinline
#else
#define EXPORT __attribute__((visibility("default")))
#define ALONE restrict
#define INLINE static inline __attribute__((always_inline))
#endif

/* A function that is compiled for several processors; the one that fits is chosen when it is loaded.
   It takes a linker that knows such functions, which those of glibc do. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && !defined(LOOPS_ONE_CPU) &&     \
    (defined(__clang__) ? __clang_major__ >= 14 : defined(__GNUC__) && __GNUC__ >= 8)
#define BY_CPU __attribute__((target_clones("avx512f", "avx2", "default")))
#define HAS_BY_CPU 1
#else
#define BY_CPU
#define HAS_BY_CPU 0
#endif

#define BAD (-1)
#define BLOCK 2048        /* windows at a time: their hashes stay in a core's first cache */
#define WIDEST 1024       /* the longest n-gram */
#define BASE 0x9E3779B97F4A7C15ull /* of the polynomial; its low half with 32 bits */

/* Which sources this was compiled from, as setup.py says: another loops.c is another library. */
EXPORT uint32_t loops_source(void)
{
#ifdef LOOPS_SOURCE
    return LOOPS_SOURCE;
#else
    return 0;
#endif
}

/* 2 and 1: compiled for AVX-512 and AVX2, on a processor that has it; 0: for any processor. */
EXPORT int32_t loops_vectors(void)
{
#if HAS_BY_CPU
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") ? 2 : __builtin_cpu_supports("avx2") ? 1 : 0;
#else
    return 0;
#endif
}

/* Python looks for this in every extension module where that is linked by name (Windows). Nobody
   imports this one. */
EXPORT void *PyInit__compiled(void)
{
    return 0;
}

static int fits(const int64_t *offsets, int64_t m, int64_t k)
{
    int64_t i, down = 0;
    if (m < 0 || k < 0 || offsets[0] < 0)
        return 0;
    for (i = 0; i < m; i++)
        down |= offsets[i] > offsets[i + 1];
    return !down && offsets[m] <= k;
}

/* How many of the lowest bits are 0; not of 0. */
INLINE int64_t zeros(uint64_t value)
{
#if defined(_MSC_VER)
    int64_t found = 0;
    for (; !(value & 1); value >>= 1)
        found++;
    return found;
#else
    return __builtin_ctzll(value);
#endif
}

/* Which of n flags, from number i on, is the first that is not 0? n where none is. */
INLINE int64_t next_of(const uint8_t *flags, int64_t i, int64_t n)
{
    uint64_t eight;
    for (; i + 8 <= n; i += 8) { /* most have nothing in eight */
        memcpy(&eight, flags + i, 8);
        if (eight)
            break;
    }
    while (i < n && !flags[i])
        i++;
    return i;
}

/* --- folding and leaving out ------------------------------------------------------------------- */

/* Twin: stages.text.grams.fold. Every point becomes table[point] (uint32[size]); what becomes 0
   goes. All k points are gone through, those before the first text and behind the last as well.
   out: k points. ends: m + 1, the new offsets. Returns how many points are left. */
EXPORT int64_t loops_folded(const uint32_t *points, int64_t k, const int64_t *offsets, int64_t m,
                            const uint32_t *table, int64_t size, uint32_t *ALONE out,
                            int64_t *ALONE ends)
{
    int64_t i, at = 0, n = 0;
    if (!fits(offsets, m, k))
        return BAD;
    for (i = 0; i <= m + 1; i++) {
        int64_t end = i <= m ? offsets[i] : k;
        for (; at < end; at++) {
            uint32_t new = points[at] < size ? table[points[at]] : 0;
            out[n] = new;
            n += new != 0;
        }
        if (i <= m)
            ends[i] = n;
    }
    return n;
}

/* Twin: stages.text.grams.select, for a table of what stays: points stay for which table[point]
   (uint8[size]) is not 0. All else is as in loops_folded. */
EXPORT int64_t loops_left(const uint32_t *points, int64_t k, const int64_t *offsets, int64_t m,
                          const uint8_t *table, int64_t size, uint32_t *ALONE out,
                          int64_t *ALONE ends)
{
    int64_t i, at = 0, n = 0;
    if (!fits(offsets, m, k))
        return BAD;
    for (i = 0; i <= m + 1; i++) {
        int64_t end = i <= m ? offsets[i] : k;
        for (; at < end; at++) {
            out[n] = points[at];
            n += points[at] < size && table[points[at]] != 0;
        }
        if (i <= m)
            ends[i] = n;
    }
    return n;
}

/* Twin: records.batch.Batch._joined. Texts are joined from others: text i from those with the numbers
   pieces[cuts[i]] up to pieces[cuts[i + 1]] (of p), with `between` between two. out: uint32[room], as
   many as all pieces have points and p more. ends: n + 1. Returns how many points, or BAD where a
   number is none of the m texts, cuts do not ascend from 0 to p, or there is too little room. */
EXPORT int64_t loops_joined(const uint32_t *ALONE points, int64_t k, const int64_t *ALONE offsets,
                            int64_t m, const int64_t *ALONE pieces, int64_t p,
                            const int64_t *ALONE cuts, int64_t n, uint32_t between,
                            uint32_t *ALONE out, int64_t room, int64_t *ALONE ends)
{
    int64_t i, j, count = 0;
    if (!fits(offsets, m, k) || !fits(cuts, n, p) || cuts[0] != 0 || cuts[n] != p)
        return BAD;
    for (j = 0; j < p; j++) {
        if (pieces[j] < 0 || pieces[j] >= m)
            return BAD;
        count += offsets[pieces[j] + 1] - offsets[pieces[j]];
    }
    if (count + p > room)
        return BAD;
    count = ends[0] = 0;
    for (i = 0; i < n; i++) {
        for (j = cuts[i]; j < cuts[i + 1]; j++) {
            int64_t first = offsets[pieces[j]], size = offsets[pieces[j] + 1] - first;
            if (j > cuts[i])
                out[count++] = between;
            if (size)
                memcpy(out + count, points + first, (size_t)size * sizeof *points);
            count += size;
        }
        ends[i + 1] = count;
    }
    return count;
}

/* Twin: records.points.spliced. Of m texts those with the numbers rows[0], rows[1], … (n, ascending)
   are replaced by n others (`other`, of other_k units, by `others`); of what is then there those texts
   stay for which stay (uint8[m]) is not 0. Units are of `width` bytes: 4 for points, 1 for UTF-8.
   out: room units, k + other_k of them. ends: one more than texts stay. Returns how many units stay, or
   BAD where a row is none of the texts, rows do not ascend, or there is too little room. */
EXPORT int64_t loops_spliced(const uint8_t *ALONE points, int64_t k, const int64_t *ALONE offsets,
                             int64_t m, const int64_t *ALONE rows, int64_t n,
                             const uint8_t *ALONE other, int64_t other_k,
                             const int64_t *ALONE others, const uint8_t *ALONE stay, int64_t width,
                             uint8_t *ALONE out, int64_t room, int64_t *ALONE ends)
{
    int64_t i, j, texts = 0, count = 0, from;
    if (!fits(offsets, m, k) || !fits(others, n, other_k) || (width != 1 && width != 4) ||
        room < k || room - k < other_k)
        return BAD;
    for (j = 0; j < n; j++)
        if (rows[j] < 0 || rows[j] >= m || (j && rows[j] <= rows[j - 1]))
            return BAD;
    from = offsets[0]; /* texts that stay as they are go in one piece */
    ends[0] = 0;
    for (i = j = 0; i < m; i++) {
        int is_new = j < n && rows[j] == i;
        if (is_new || !stay[i]) {
            int64_t size = offsets[i] - from;
            if (size)
                memcpy(out + count * width, points + from * width, (size_t)(size * width));
            count += size;
            from = offsets[i + 1];
        }
        if (is_new && stay[i] && others[j + 1] > others[j]) {
            int64_t size = others[j + 1] - others[j];
            memcpy(out + count * width, other + others[j] * width, (size_t)(size * width));
            count += size;
        }
        j += is_new;
        if (stay[i])
            ends[++texts] = count + offsets[i + 1] - from;
    }
    if (offsets[m] > from)
        memcpy(out + count * width, points + from * width, (size_t)((offsets[m] - from) * width));
    return count + offsets[m] - from;
}

/* --- hashes of n-grams ------------------------------------------------------------------------- */

INLINE uint32_t mix32(uint32_t h)
{
    h ^= h >> 16;
    h *= 0x85EBCA6Bu;
    h ^= h >> 13;
    h *= 0xC2B2AE35u;
    return h ^ h >> 16;
}

INLINE uint64_t mix64(uint64_t h)
{
    h ^= h >> 33;
    h *= 0xFF51AFD7ED558CCDull;
    h ^= h >> 33;
    h *= 0xC4CEB9FE1A85EC53ull;
    return h ^ h >> 33;
}

/* The hashes of the k windows (1 to BLOCK) of n points that begin at p: uint32 or uint64 wraps as
   in NumPy, so that any order of the sum gives the same. */
#define HASHES(name, type, mix)                                                                       \
    INLINE void name(const uint32_t *ALONE p, int64_t k, int64_t n, type *ALONE out)                  \
    {                                                                                                 \
        type one[BLOCK + WIDEST], two[BLOCK + WIDEST], *here = one, *next = two, *spare;              \
        const type base = (type)BASE;                                                                 \
        type power = base; /* base to the power of width */                                           \
        int64_t i, width = 1, count = k + n - 1;                                                      \
        int bit = 0;                                                                                  \
        if (n == 5) {                                                                                 \
            const type b2 = base * base, b3 = b2 * base, b4 = b2 * b2;                                \
            for (i = 0; i < k; i++) {                                                                 \
                type h = (type)p[i] * b4 + (type)p[i + 1] * b3 + (type)p[i + 2] * b2;                 \
                out[i] = mix(h + (type)p[i + 3] * base + (type)p[i + 4]);                             \
            }                                                                                         \
            return;                                                                                   \
        }                                                                                             \
        for (i = 0; i < count; i++)                                                                   \
            here[i] = p[i];                                                                           \
        while (n >> (bit + 1))                                                                        \
            bit++;                                                                                    \
        while (bit--) { /* each binary digit of n after the first doubles the width, a 1 adds one */  \
            count -= width;                                                                           \
            for (i = 0; i < count; i++)                                                               \
                next[i] = here[i] * power + here[i + width];                                          \
            spare = here, here = next, next = spare;                                                  \
            width *= 2, power *= power;                                                               \
            if (n >> bit & 1) {                                                                       \
                count -= 1;                                                                           \
                for (i = 0; i < count; i++)                                                           \
                    here[i] = here[i] * base + (type)p[i + width];                                    \
                width += 1, power *= base;                                                            \
            }                                                                                         \
        }                                                                                             \
        for (i = 0; i < k; i++)                                                                       \
            out[i] = mix(here[i]);                                                                    \
    }
HASHES(hashes32, uint32_t, mix32)
HASHES(hashes64, uint64_t, mix64)

/* Twin: stages.text.grams.gram_hashes: the hashes of all k - n + 1 windows, over the ends of texts
   as well. out: as many; none where k < n. n: 1 to WIDEST. Returns how many, or BAD. */
BY_CPU EXPORT int64_t loops_hashes32(const uint32_t *points, int64_t k, int64_t n,
                                     uint32_t *ALONE out)
{
    int64_t at, count = k - n + 1;
    if (n < 1 || n > WIDEST)
        return BAD;
    for (at = 0; at < count; at += BLOCK)
        hashes32(points + at, count - at < BLOCK ? count - at : BLOCK, n, out + at);
    return count > 0 ? count : 0;
}

/* The same of 64 bits. */
BY_CPU EXPORT int64_t loops_hashes64(const uint32_t *points, int64_t k, int64_t n,
                                     uint64_t *ALONE out)
{
    int64_t at, count = k - n + 1;
    if (n < 1 || n > WIDEST)
        return BAD;
    for (at = 0; at < count; at += BLOCK)
        hashes64(points + at, count - at < BLOCK ? count - at : BLOCK, n, out + at);
    return count > 0 ? count : 0;
}

/* Twin: stages.text.grams.grams_of: the hashes of the windows of n points that lie in one text.
   out: k of them. ends: m + 1, where those of each text begin. n: 1 to WIDEST. Returns how many. */
BY_CPU EXPORT int64_t loops_grams(const uint32_t *points, int64_t k, const int64_t *offsets, int64_t m,
                                  int64_t n, uint32_t *ALONE out, int64_t *ALONE ends)
{
    int64_t i, at, total = 0;
    if (!fits(offsets, m, k) || n < 1 || n > WIDEST)
        return BAD;
    ends[0] = 0;
    for (i = 0; i < m; i++) {
        int64_t count = offsets[i + 1] - offsets[i] - n + 1;
        for (at = 0; at < count; at += BLOCK)
            hashes32(points + offsets[i] + at, count - at < BLOCK ? count - at : BLOCK, n,
                     out + total + at);
        total += count > 0 ? count : 0;
        ends[i + 1] = total;
    }
    return total;
}

/* --- features for the search of near-duplicates ------------------------------------------------ */

#define LANES 64

/* least[j] becomes the least of itself and of h * factors[j] over the k hashes at h; k is a multiple
   of four. Four hashes at a time, so that least is read and written a quarter as often. */
INLINE void lower(const uint32_t *ALONE h, int64_t k, const uint32_t *ALONE factors,
                  uint32_t *ALONE least, const int lanes)
{
    int64_t i;
    int j;
    for (i = 0; i < k; i += 4)
        for (j = 0; j < lanes; j++) {
            uint32_t a = h[i] * factors[j], b = h[i + 1] * factors[j];
            uint32_t c = h[i + 2] * factors[j], d = h[i + 3] * factors[j];
            a = a < b ? a : b;
            c = c < d ? c : d;
            a = a < c ? a : c;
            least[j] = least[j] < a ? least[j] : a;
        }
}

/* Twin: stages.near.minhash.band_keys. hashes: uint32[k] with offsets, the n-grams of the texts.
   factors: uint32[bands * rows], odd. out: uint64[m * bands], the key of each band of a text, from
   the least hashes of its rows under their factors; 0 for a text without n-grams. Returns 0. */
BY_CPU EXPORT int64_t loops_bands(const uint32_t *hashes, int64_t k, const int64_t *offsets, int64_t m,
                                  const uint32_t *ALONE factors, int64_t bands, int64_t rows,
                                  uint64_t *ALONE out)
{
    uint32_t few[4], own[LANES], least[LANES];
    int64_t i, first, j, count = bands * rows;
    if (!fits(offsets, m, k) || bands < 1 || rows < 1)
        return BAD;
    for (i = 0; i < m; i++) {
        const uint32_t *h = hashes + offsets[i];
        int64_t windows = offsets[i + 1] - offsets[i], fours = windows & ~(int64_t)3;
        uint64_t *keys = out + i * bands;
        if (!windows) {
            memset(keys, 0, (size_t)bands * sizeof *keys);
            continue;
        }
        for (j = 0; j < 4; j++) /* the last ones, filled up to four by the last */
            few[j] = h[fours + j < windows ? fours + j : windows - 1];
        for (first = 0; first < count; first += LANES) {
            const uint32_t *factor = factors + first;
            int64_t lanes = count - first < LANES ? count - first : LANES;
            if (lanes < LANES) {
                memset(own, 0, sizeof own);
                memcpy(own, factor, (size_t)lanes * sizeof *own);
                factor = own;
            }
            memset(least, 0xFF, sizeof least);
            lower(h, fours, factor, least, LANES);
            lower(few, windows > fours ? 4 : 0, factor, least, LANES);
            for (j = first; j < first + lanes; j++) {
                /* The band's number goes into its key: equal rows in two bands are no candidates. */
                uint64_t key = j % rows ? keys[j / rows] : (uint64_t)(j / rows + 1);
                keys[j / rows] = mix64(key ^ least[j - first]);
            }
        }
        for (j = 0; j < bands; j++)
            keys[j] += !keys[j];
    }
    return 0;
}

/* Twin: stages.near.jaccard.sketches. hashes: as above. out: uint8[m * 128], 1,024 flags of each
   text, the first of a byte in its highest bit: flag h of n-grams whose hash begins with the 10
   bits h. A text of more than `most` n-grams has none. Returns 0. */
EXPORT int64_t loops_sketches(const uint32_t *hashes, int64_t k, const int64_t *offsets, int64_t m,
                              int64_t most, uint8_t *ALONE out)
{
    int64_t i, at;
    if (!fits(offsets, m, k))
        return BAD;
    memset(out, 0, (size_t)m * 128);
    for (i = 0; i < m; i++, out += 128) {
        if (offsets[i + 1] - offsets[i] > most)
            continue;
        for (at = offsets[i]; at < offsets[i + 1]; at++)
            out[hashes[at] >> 25] |= (uint8_t)(0x80u >> (hashes[at] >> 22 & 7));
    }
    return 0;
}

/* Twin: stages.near.containment.sampled. hashes: as above. Of each text the n-grams below `below`
   that have another one `apart` behind them in it: out gets mix(hash * odd + that other's hash).
   out: k of them. counts: int64[m]. Returns how many. */
BY_CPU EXPORT int64_t loops_sampled(const uint32_t *hashes, int64_t k, const int64_t *offsets,
                                    int64_t m, uint32_t below, int64_t apart, uint32_t odd,
                                    uint32_t *ALONE out, int64_t *ALONE counts)
{
    uint8_t low[BLOCK];
    int64_t i, at, n = 0;
    if (!fits(offsets, m, k) || apart < 0)
        return BAD;
    for (i = 0; i < m; i++) {
        int64_t before = n;
        for (at = offsets[i]; at < offsets[i + 1] - apart; at += BLOCK) {
            int64_t j, left = offsets[i + 1] - apart - at, count = left < BLOCK ? left : BLOCK;
            for (j = 0; j < count; j++)
                low[j] = hashes[at + j] < below;
            for (j = 0; (j = next_of(low, j, count)) < count; j++)
                out[n++] = mix32(hashes[at + j] * odd + hashes[at + j + apart]);
        }
        counts[i] = n - before;
    }
    return n;
}

/* --- UTF-8 ------------------------------------------------------------------------------------- */

static int spans_fit(const int32_t *bounds, int64_t m, int64_t n)
{
    int64_t i, down = 0;
    if (m < 0 || n < 0 || bounds[0] < 0)
        return 0;
    for (i = 0; i < m; i++)
        down |= bounds[i] > bounds[i + 1];
    return !down && bounds[m] <= n;
}

/* How many bytes of UTF-8 the k points take; BAD where one is no character. */
BY_CPU EXPORT int64_t loops_bytes(const uint32_t *points, int64_t k)
{
    int64_t i, begin, bytes = 0;
    uint32_t bad = 0;
    for (begin = 0; begin < k; begin += BLOCK) {
        uint32_t here = 0;
        int64_t end = k - begin < BLOCK ? k : begin + BLOCK;
        for (i = begin; i < end; i++) {
            uint32_t p = points[i];
            here += 1u + (p >= 0x80) + (p >= 0x800) + (p >= 0x10000);
            bad |= (p > 0x10FFFF) | ((p & 0xFFFFF800u) == 0xD800);
        }
        bytes += here;
    }
    return bad ? BAD : bytes;
}

/* Twin: records.points.codepoints. Text i is the bytes data[bounds[i]] up to data[bounds[i + 1]] (of
   n). out: uint32, as many as all texts have bytes; the points of all. ends: m + 1, where those of
   each text begin. Returns how many points, or BAD where a text by itself is no UTF-8: some of it may
   be written then. */
EXPORT int64_t loops_decoded(const uint8_t *ALONE data, int64_t n, const int32_t *ALONE bounds,
                             int64_t m, uint32_t *ALONE out, int64_t *ALONE ends)
{
    int64_t i, at, count = 0;
    uint32_t bad = 0;
    if (!spans_fit(bounds, m, n))
        return BAD;
    ends[0] = 0;
    for (i = 0; i < m; i++) {
        const int64_t end = bounds[i + 1];
        for (at = bounds[i]; at < end;) {
            uint32_t a = data[at], b, c, d, point;
            if ((a & 0xF0) == 0xE0 && end - at >= 3) { /* most Chinese ones */
                b = data[at + 1] ^ 0x80u, c = data[at + 2] ^ 0x80u;
                point = (a & 0xF) << 12 | b << 6 | c;
                bad |= (b | c) & 0xC0;
                at += 3;
            } else if (a < 0x80) {
                point = a;
                at += 1;
            } else if ((a & 0xE0) == 0xC0 && end - at >= 2) {
                b = data[at + 1] ^ 0x80u;
                point = (a & 0x1F) << 6 | b;
                bad |= b & 0xC0;
                at += 2;
            } else if ((a & 0xF8) == 0xF0 && end - at >= 4) {
                b = data[at + 1] ^ 0x80u, c = data[at + 2] ^ 0x80u, d = data[at + 3] ^ 0x80u;
                point = (a & 7) << 18 | b << 12 | c << 6 | d;
                bad |= (b | c | d) & 0xC0;
                at += 4;
            } else {
                return BAD;
            }
            out[count++] = point;
        }
        /* A point written with more bytes than it takes, or that is no character, tells itself. */
        if (bad || loops_bytes(out + ends[i], count - ends[i]) != end - bounds[i])
            return BAD;
        ends[i + 1] = count;
    }
    return count;
}

/* Whether a Chinese character begins with the bytes a, b and c of UTF-8: one of U+3400 to 4DBF, 4E00
   to 9FFF, F900 to FAFF, 20000 to 3FFFF, or U+3007. */
INLINE uint8_t is_han(uint8_t a, uint8_t b, uint8_t c)
{
    return (uint8_t)(((uint8_t)(a - 0xE5) < 5) | ((a == 0xE4) & (b != 0xB7)) |
                     ((a == 0xE3) & ((b >= 0x90) | ((b == 0x80) & (c == 0x87)))) |
                     ((a == 0xEF) & ((uint8_t)(b - 0xA4) < 8)) | ((a == 0xF0) & (b >= 0xA0)));
}

#define FEW 64 /* bytes whose counts fit into one */

/* Twin: built.statistics.characters. Text i is data[bounds[i]] up to data[bounds[i + 1]] (of n), and
   UTF-8: of anything else the figures say nothing. chars: int64[m], the characters of each. Returns
   how many Chinese characters there are in all, or BAD. */
BY_CPU EXPORT int64_t loops_chinese(const uint8_t *ALONE data, int64_t n, const int32_t *ALONE bounds,
                                    int64_t m, int64_t *ALONE chars)
{
    int64_t i, at, j, total = 0;
    if (!spans_fit(bounds, m, n))
        return BAD;
    for (i = 0; i < m; i++) {
        const uint8_t *text = data + bounds[i];
        const int64_t size = bounds[i + 1] - bounds[i];
        chars[i] = 0;
        for (at = 0; at + FEW + 2 <= size; at += FEW) {
            uint8_t begun = 0, han = 0;
            for (j = at; j < at + FEW; j++) {
                begun += (text[j] & 0xC0) != 0x80;
                han += is_han(text[j], text[j + 1], text[j + 2]);
            }
            chars[i] += begun, total += han;
        }
        for (; at < size; at++) { /* a Chinese character has three bytes or more */
            chars[i] += (text[at] & 0xC0) != 0x80;
            total += at + 2 < size && is_han(text[at], text[at + 1], text[at + 2]);
        }
    }
    return total;
}

INLINE int64_t put_utf8(uint8_t *out, uint32_t p)
{
    if (p < 0x80) {
        out[0] = (uint8_t)p;
        return 1;
    }
    if (p < 0x800) {
        out[0] = (uint8_t)(0xC0 | p >> 6);
        out[1] = (uint8_t)(0x80 | (p & 0x3F));
        return 2;
    }
    if (p < 0x10000) {
        out[0] = (uint8_t)(0xE0 | p >> 12);
        out[1] = (uint8_t)(0x80 | (p >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (p & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | p >> 18);
    out[1] = (uint8_t)(0x80 | (p >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (p >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (p & 0x3F));
    return 4;
}

/* Twin: records.points.from_codepoints, of texts that fill all k points. out: uint8[room], as
   loops_bytes says. bounds: int32[m + 1]. Returns how many bytes, or BAD where these are too many
   for 32 bits or a point is no character. */
EXPORT int64_t loops_encoded(const uint32_t *ALONE points, int64_t k, const int64_t *ALONE offsets,
                             int64_t m, uint8_t *ALONE out, int64_t room, int32_t *ALONE bounds)
{
    int64_t i, at, n = loops_bytes(points, k);
    if (!fits(offsets, m, k) || offsets[0] != 0 || offsets[m] != k || n < 0 || n > room || n > INT32_MAX)
        return BAD;
    n = bounds[0] = 0;
    for (i = 0; i < m; i++) {
        for (at = offsets[i]; at < offsets[i + 1]; at++) {
            n += put_utf8(out + n, points[at]);
        }
        bounds[i + 1] = (int32_t)n;
    }
    return n;
}

/* --- classes of characters --------------------------------------------------------------------- */

/* Twin: records.points.places_of. Where table[point] (uint8[size]) is not 0, among all k points.
   out: int64[k], ascending. classes: uint8[k], the table there. Returns how many. */
EXPORT int64_t loops_places(const uint32_t *points, int64_t k, const uint8_t *table, int64_t size,
                            int64_t *ALONE out, uint8_t *ALONE classes)
{
    int64_t i, j, n = 0;
    for (i = 0; i < k; i += 8) { /* most have nothing in eight */
        uint64_t here = 0;
        for (j = 0; j < (k - i < 8 ? k - i : 8); j++)
            here |= (uint64_t)(points[i + j] < size ? table[points[i + j]] : 0) << 8 * j;
        for (j = i; here; j++, here >>= 8) {
            int64_t none = zeros(here) / 8;
            here >>= 8 * none, j += none;
            out[n] = j;
            classes[n++] = (uint8_t)here;
        }
    }
    return n;
}

/* Twin: records.points.counts_of. How many points of each text are of each class 0 to 7, by table
   (uint8[size], below 8). out: int64[m * 8]. Returns 0. */
EXPORT int64_t loops_counted(const uint32_t *points, int64_t k, const int64_t *offsets, int64_t m,
                             const uint8_t *table, int64_t size, int64_t *ALONE out)
{
    int64_t i, at, end, lane;
    if (!fits(offsets, m, k))
        return BAD;
    memset(out, 0, (size_t)m * 8 * sizeof *out);
    for (i = 0; i < m; i++, out += 8)
        for (at = offsets[i]; at < offsets[i + 1]; at = end) {
            uint64_t counts = 0; /* a byte a class, so many points that none flows over */
            end = offsets[i + 1] - at < 255 ? offsets[i + 1] : at + 255;
            for (lane = at; lane < end; lane++)
                counts += 1ull << 8 * (points[lane] < size ? table[points[lane]] & 7 : 0);
            for (lane = 0; lane < 8; lane++)
                out[lane] += counts >> 8 * lane & 0xFF;
        }
    return 0;
}

/* --- clean ------------------------------------------------------------------------------------- */

enum { BLANK = 1, DROP, FORM, ODD_BLANK, OTHER, MARKUP, WESTERN, GBK, CUE, LOST, MEMORY, ESCAPE, MARK };
#define LATIN 0x40
#define FIRST 0x80
enum { GARBLED = 1, UNSET = 2, SPELT_OUT = 4, HTML = 8, AS_GBK = 16 };

INLINE int is_hex(uint32_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* What Windows-1252 or Latin-1 makes of the bytes 80 to BF, among others, and a lost one. */
INLINE int follows(uint32_t c)
{
    return (c >= 0x80 && c < 0xC0) || (c >= 0x152 && c <= 0x2122) || c == 0xFFFD;
}

INLINE int is_latin(uint32_t c)
{
    return c >= 0xA1 && c <= 0xFE;
}

/* Twin: stages.text.escapes.may_be_spelt, by the three characters behind one and the fifth. */
INLINE int may_be_spelt(uint32_t sign, uint32_t second, uint32_t third, uint32_t sixth)
{
    switch (sign) {
    case '\\':
        return second && second < 128 && strchr("nutxU\"'/\\", (int)second) &&
               (second != 'x' || is_hex(third));
    case '%':
        return second == 'u' && is_hex(third);
    case '_':
        return second == 'x' && third == '0';
    default:
        return sign == 'u' && is_hex(second) && is_hex(third) && sixth == 'u';
    }
}

/* The bits of the rules that have a cue with these two characters: of codes (uint64[u], ascending)
   that of the pair. */
INLINE uint32_t rules_of(uint32_t one, uint32_t two, const uint8_t *slots, const uint64_t *codes,
                         const uint16_t *bits, int64_t u)
{
    uint64_t code = (uint64_t)one << 21 | two;
    int64_t low = 0, high = u;
    if (!slots[(one * 40503u ^ two) & 0xFFFF])
        return 0;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (codes[middle] < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < u && codes[low] == code ? bits[low] : 0;
}

/* Twin: stages.text.seen._by_numpy, of texts that fill all k points. hits: int64[h], ascending, the
   places of the classes above; classes: uint8[h], with LATIN and FIRST beside them. slots, codes, bits,
   limits: stages.text.cues.cue_tables. For each of m texts: state, uint8, 1 where characters are amiss
   but for blanks, with 2 where blanks may be; todo, uint8, what it is searched for; cues, uint16;
   marks, int64, its question marks. What stands behind a sign may belong to the next text. Returns 0. */
EXPORT int64_t loops_seen(const uint32_t *ALONE points, int64_t k, const int64_t *ALONE offsets,
                          int64_t m, const int64_t *ALONE hits, const uint8_t *ALONE classes, int64_t h,
                          const uint8_t *ALONE slots, const uint64_t *ALONE codes,
                          const uint16_t *ALONE bits, int64_t u, const int64_t *ALONE limits,
                          uint8_t *ALONE state, uint8_t *ALONE todo, uint16_t *ALONE cues,
                          int64_t *ALONE marks)
{
    int64_t i, j = 0, text, last = k - 1;
    const uint32_t page = (uint32_t)limits[3], adverts = (uint32_t)limits[4], cuts = (uint32_t)limits[5],
                   badge = (uint32_t)limits[6];
    if (!fits(offsets, m, k) || offsets[0] != 0 || offsets[m] != k)
        return BAD;
    for (i = 0; i < h; i++)
        if (hits[i] < (i ? hits[i - 1] + 1 : 0) || hits[i] >= k)
            return BAD;
#define AFTER(n) points[here + (n) < last ? here + (n) : last]
    for (text = 0; text < m; text++) {
        const int64_t start = offsets[text], end = offsets[text + 1];
        int64_t gbk = 0, asked = 0, run; /* where a run of blanks ends */
        uint32_t found = 0, outer = 0, amiss = 0, odd = 0, garbled = 0, near = 0, begins = 0,
                 work = 0;
        for (; j < h && hits[j] < end; j++) {
            const int64_t here = hits[j];
            const uint32_t sign = points[here];
            if (classes[j] & LATIN) {
                near |= sign >= 0xC2 && follows(AFTER(1)) && (sign < 0xE1 || follows(AFTER(2)));
                near |= is_latin(AFTER(1)) && is_latin(AFTER(2)) && is_latin(AFTER(3)) &&
                        is_latin(AFTER(4)) && is_latin(AFTER(5));
            }
            if (classes[j] & FIRST)
                begins |= here == start || points[here - 1] < 0x80 || points[here - 1] == 0xFFFD;
            switch (classes[j] & 0x1F) {
            case BLANK:
                for (run = here + 1; j + 1 < h && hits[j + 1] == run && run < end &&
                                     (classes[j + 1] & 0x1F) == BLANK; run++)
                    odd |= points[hits[++j]] == '\t';
                odd |= sign == '\t' || here == start || run == end || run > here + 2 ||
                       (run == here + 2 && !(sign == '\n' && points[here + 1] == '\n'));
                break;
            case DROP: case FORM: case ODD_BLANK:
                amiss = 1;
                break;
            case OTHER:
                amiss |= sign != '`';
                break;
            case MARKUP:
                if (sign != '[' || (AFTER(1) | 0x20) == 's' || AFTER(1) == '/')
                    work |= HTML;
                break;
            case LOST:
                near = 1; /* fall through */
            case WESTERN:
                garbled = 1;
                break;
            case GBK:
                gbk++;
                break;
            case CUE: {
                uint32_t rules = rules_of(points[here ? here - 1 : 0], sign, slots, codes, bits, u) |
                                 rules_of(sign, AFTER(1), slots, codes, bits, u);
                if (!rules)
                    break;
                if (here < end - limits[0])
                    rules &= ~page;
                else if (rules & adverts)
                    rules |= page;
                outer |= rules & badge && (here <= start + limits[1] || here >= end - limits[2] - 1);
                found |= rules;
                break;
            }
            case MEMORY:
                if (sign == AFTER(1) && sign == AFTER(2))
                    work |= UNSET;
                break;
            case ESCAPE:
                if (may_be_spelt(sign, AFTER(1), AFTER(2), AFTER(5)))
                    work |= SPELT_OUT;
                break;
            case MARK:
                asked++;
                break;
            }
        }
        if (gbk >= 2 && gbk * 8 >= end - start)
            garbled = begins = 1;
        if (garbled && (near || begins))
            work |= near ? GARBLED : AS_GBK;
        if (!(found & cuts) && !outer)
            found &= ~badge;
        state[text] = (uint8_t)(amiss | odd << 1);
        todo[text] = (uint8_t)work;
        cues[text] = (uint16_t)found;
        marks[text] = asked;
    }
#undef AFTER
    return 0;
}

/* --- filter ------------------------------------------------------------------------------------ */

/* Twin: stages.filter._suspected_runs. out: uint8[m], 1 for the texts in which one character begins
   that stands `length` times in a row, over the ends of texts as well. length: 2 or more. All k
   points are gone through. Returns 0. */
EXPORT int64_t loops_runs(const uint32_t *points, int64_t k, const int64_t *offsets, int64_t m,
                          int64_t length, uint8_t *ALONE out)
{
    int64_t at, first, last, text = 0, step = length - 1;
    if (!fits(offsets, m, k) || length < 2)
        return BAD;
    memset(out, 0, (size_t)m);
    /* Of so many places in a row one is at a multiple of step, with its neighbour behind it. */
    for (at = 0; at + 1 < k; at += step) {
        if (points[at] != points[at + 1])
            continue;
        for (first = at; first > 0 && points[first - 1] == points[at];)
            first--;
        for (last = at + 1; last + 1 < k && points[last + 1] == points[at];)
            last++;
        if (last - first + 1 >= length) {
            last -= length - 1; /* the last place where so many begin */
            while (text < m && offsets[text + 1] <= first)
                text++;
            for (; text < m && offsets[text] <= last; text++)
                out[text] |= offsets[text + 1] > first && offsets[text + 1] > offsets[text];
            text -= text > 0; /* the next run may begin in the same */
        }
        while (at + step < last)
            at += step;
    }
    return 0;
}

INLINE int64_t room_for(int64_t count)
{
    int64_t slots = 4;
    while (slots < 2 * count)
        slots *= 2;
    return slots;
}

#define NONE 0xFFFFFFFFu
#define REACH 7

/* Twin: what stages.filter.suspected_repetition counts. Of each text of `least` characters or more
   the windows of 8 are sampled whose hash is the least within 7 places on either side. samples,
   again: int64[m], how many, and how many of these stood before; 0 in a shorter text. scratch:
   uint32[room], 14 more than the longest text has characters. table: uint32[slots], a power of two,
   at least twice as many. Returns 0. */
BY_CPU EXPORT int64_t loops_repeats(const uint32_t *points, int64_t k, const int64_t *offsets,
                                    int64_t m, int64_t least, uint32_t *ALONE scratch, int64_t room,
                                    uint32_t *ALONE table, int64_t slots, int64_t *ALONE samples,
                                    int64_t *ALONE again)
{
    uint32_t two[BLOCK + 2 * REACH], four[BLOCK + 2 * REACH];
    int64_t i, j, at, begin;
    if (!fits(offsets, m, k) || least < 8)
        return BAD;
    for (i = 0; i < m; i++)
        if (offsets[i + 1] - offsets[i] > room - 2 * REACH ||
            room_for(offsets[i + 1] - offsets[i]) > slots)
            return BAD;
    for (i = 0; i < m; i++) {
        int64_t windows = offsets[i + 1] - offsets[i] - REACH, n = 0, mask, seen = 0;
        samples[i] = again[i] = 0;
        if (windows + REACH < least)
            continue;
        for (j = 0; j < REACH; j++)
            scratch[j] = scratch[REACH + windows + j] = NONE;
        for (begin = 0; begin < windows; begin += BLOCK)
            hashes32(points + offsets[i] + begin, windows - begin < BLOCK ? windows - begin : BLOCK, 8,
                     scratch + REACH + begin);
        for (begin = 0; begin < windows; begin += BLOCK) {
            const uint32_t *h = scratch + begin;
            int64_t count = windows - begin < BLOCK ? windows - begin : BLOCK;
            /* The least of 15 by doubling: 2, 4, 8, then 8 + 7. */
            for (j = 0; j < count + 13; j++)
                two[j] = h[j] < h[j + 1] ? h[j] : h[j + 1];
            for (j = 0; j < count + 11; j++)
                four[j] = two[j] < two[j + 2] ? two[j] : two[j + 2];
            for (j = 0; j < count + 7; j++)
                two[j] = four[j] < four[j + 4] ? four[j] : four[j + 4];
            for (j = 0; j < count; j++)
                four[j] = two[j] < two[j + 7] ? two[j] : two[j + 7];
            for (j = 0; j < count; j++) { /* what is taken lies before all that is still needed */
                uint32_t here = h[j + REACH];
                scratch[n] = here;
                n += here == four[j] && here != NONE;
            }
        }
        mask = room_for(n) - 1;
        memset(table, 0, (size_t)(mask + 1) * sizeof *table);
        for (j = 0; j < n; j++) {
            if (scratch[j] == 0) { /* a free slot holds 0 */
                again[i] += seen;
                seen = 1;
                continue;
            }
            for (at = scratch[j] & mask; table[at] && table[at] != scratch[j]; at = (at + 1) & mask)
                ;
            again[i] += table[at] == scratch[j];
            table[at] = scratch[j];
        }
        samples[i] = n;
    }
    return 0;
}

/* Twin: what stages.filter._by_lines counts. Lines end with `end`. written, fresh: int64[m], the
   characters in lines of each text of `least` lines or more, and those in lines that did not stand
   before; 0 in another. table: int64[slots], a power of two, at least four times the lines of any
   text. Returns 0. */
EXPORT int64_t loops_lines(const uint32_t *points, int64_t k, const int64_t *offsets, int64_t m,
                           uint32_t end, int64_t least, int64_t *ALONE table, int64_t slots,
                           int64_t *ALONE written, int64_t *ALONE fresh)
{
    int64_t i, j, at, first;
    if (!fits(offsets, m, k))
        return BAD;
    for (i = 0; i < m; i++) {
        int64_t lines = 1, mask;
        written[i] = fresh[i] = 0;
        for (j = offsets[i]; j < offsets[i + 1]; j++)
            lines += points[j] == end;
        if (lines < least)
            continue;
        mask = room_for(lines) - 1;
        if (2 * (mask + 1) > slots)
            return BAD;
        memset(table, 0, (size_t)(mask + 1) * 2 * sizeof *table);
        for (first = j = offsets[i]; j <= offsets[i + 1]; first = ++j) {
            uint64_t hash = 0;
            int64_t size;
            for (; j < offsets[i + 1] && points[j] != end; j++)
                hash = hash * BASE + points[j];
            size = j - first;
            /* An entry is where a line begins, plus one, and its size; 0 where the slot is free. */
            for (at = (int64_t)(mix64(hash) & (uint64_t)mask); table[2 * at]; at = (at + 1) & mask)
                if (table[2 * at + 1] == size &&
                    !memcmp(points + (table[2 * at] - 1), points + first, (size_t)size * sizeof *points))
                    break;
            if (!table[2 * at]) {
                table[2 * at] = first + 1;
                table[2 * at + 1] = size;
                fresh[i] += size;
            }
            written[i] += size;
        }
    }
    return 0;
}

/* Are these numbers of texts, of m? */
INLINE int texts_fit(const int64_t *which, int64_t n, int64_t m)
{
    int64_t i, out = 0;
    for (i = 0; i < n; i++)
        out |= which[i] < 0 || which[i] >= m;
    return n >= 0 && !out;
}

/* Twin: what stages.text.no_content.suspects adds up, of the texts with the numbers `which` (n).
   table: uint32[size], what stands for a point. single: int16[65536], by the low bits of that; pairs:
   int16[2^bits], by the hash of two neighbours in one text. out: int64[n], the sum of what a text's
   points weigh, each with the pair that it begins, of 16 bits. Returns 0. */
EXPORT int64_t loops_gates(const uint32_t *points, int64_t k, const int64_t *offsets, int64_t m,
                           const int64_t *ALONE which, int64_t n, const uint32_t *ALONE table,
                           int64_t size, const int16_t *single, const int16_t *pairs, int64_t bits,
                           int64_t *ALONE out)
{
    int64_t i, at;
    if (!fits(offsets, m, k) || !texts_fit(which, n, m) || bits < 1 || bits > 31)
        return BAD;
    for (i = 0; i < n; i++) {
        int64_t total = 0, first = offsets[which[i]], last = offsets[which[i] + 1] - 1;
        uint32_t next = first <= last && points[first] < size ? table[points[first]] : 0;
        for (at = first; at < last; at++) {
            uint32_t here = next, slot;
            next = points[at + 1] < size ? table[points[at + 1]] : 0;
            slot = (here * 0x9E3779B1u + next * 0x85EBCA6Bu) >> (32 - bits);
            total += (int16_t)(uint16_t)(single[here & 0xFFFF] + pairs[slot]);
        }
        if (at == last)
            total += single[next & 0xFFFF];
        out[i] = total;
    }
    return 0;
}

/* Twin: what stages.text.no_content.judge adds up. Of each text, with begin[i] before it, `end` behind
   it and at most two of a point in a row, the n-grams of 1 to 4 points, by the `bits` highest of their
   mixed hashes, each once. salts: uint32[m]; 1- and 2-grams count with 8 salts as well. weights:
   int8[heads * 2^bits]. scratch: uint32[room], 2 more than the longest text has points. seen:
   uint32[2^bits], all 0, to work in. many: int64[m], how many; out: int64[m * heads], what they weigh
   for each head. Returns 0. */
EXPORT int64_t loops_scored(const uint32_t *ALONE points, int64_t k, const int64_t *ALONE offsets,
                            int64_t m, const uint32_t *ALONE begin, const uint32_t *ALONE salts,
                            uint32_t end, const int8_t *ALONE weights, int64_t heads, int64_t bits,
                            uint32_t *ALONE scratch, int64_t room, uint32_t *ALONE seen,
                            int64_t *ALONE many, int64_t *ALONE out)
{
    int64_t i, j, g, twice;
    if (!fits(offsets, m, k) || bits < 1 || bits > 31 || heads < 0 || m >= NONE)
        return BAD;
    for (i = 0; i < m; i++)
        if (offsets[i + 1] - offsets[i] > room - 2)
            return BAD;
    memset(out, 0, (size_t)(m * heads) * sizeof *out);
    for (i = 0; i < m; i++, out += heads) {
        const uint32_t *p = points + offsets[i];
        int64_t size = offsets[i + 1] - offsets[i], n = 0;
        scratch[n++] = begin[i];
        for (j = 0; j < size; j++)
            if (j < 2 || p[j] != p[j - 1] || p[j] != p[j - 2])
                scratch[n++] = p[j];
        scratch[n++] = end;
        many[i] = 0;
        for (j = 0; j < n; j++) {
            uint32_t hash = 0;
            for (g = 1; g <= 4 && j + g <= n; g++) {
                uint32_t mixed;
                hash = hash * (uint32_t)BASE + scratch[j + g - 1];
                mixed = mix32(hash);
                for (twice = 0; twice < (g < 3 ? 2 : 1); twice++) {
                    uint32_t salt = (uint32_t)g + (twice ? 8 * salts[i] : 0);
                    uint32_t slot = mix32(mixed ^ salt) >> (32 - bits);
                    int64_t head;
                    if (seen[slot] == i + 1)
                        continue;
                    seen[slot] = (uint32_t)(i + 1);
                    many[i]++;
                    for (head = 0; head < heads; head++)
                        out[head] += weights[(head << bits) + slot];
                }
            }
        }
    }
    return 0;
}

/* How many windows of n points with different hashes of 64 bits have the texts `which` (w)? n: 1 to
   WIDEST. table: uint64[slots], a power of two, at least twice as many as the longest of them has
   points. out: int64[w]. Twin: stages.filter.different_grams. Returns 0. */
EXPORT int64_t loops_different(const uint32_t *points, int64_t k, const int64_t *offsets, int64_t m,
                               const int64_t *ALONE which, int64_t w, int64_t n,
                               uint64_t *ALONE table, int64_t slots, int64_t *ALONE out)
{
    uint64_t hashes[BLOCK];
    int64_t i, j, at, begin;
    if (!fits(offsets, m, k) || !texts_fit(which, w, m) || n < 1 || n > WIDEST)
        return BAD;
    for (i = 0; i < w; i++)
        if (room_for(offsets[which[i] + 1] - offsets[which[i]]) > slots)
            return BAD;
    for (i = 0; i < w; i++) {
        const uint32_t *p = points + offsets[which[i]];
        int64_t windows = offsets[which[i] + 1] - offsets[which[i]] - n + 1, zero = 0, mask;
        out[i] = 0;
        if (windows < 1)
            continue;
        mask = room_for(windows) - 1;
        memset(table, 0, (size_t)(mask + 1) * sizeof *table);
        for (begin = 0; begin < windows; begin += BLOCK) {
            int64_t count = windows - begin < BLOCK ? windows - begin : BLOCK;
            hashes64(p + begin, count, n, hashes);
            for (j = 0; j < count; j++) { /* a free slot holds 0 */
                for (at = (int64_t)(hashes[j] & (uint64_t)mask); table[at] && table[at] != hashes[j];
                     at = (at + 1) & mask)
                    ;
                out[i] += !table[at] && hashes[j];
                zero |= !hashes[j];
                table[at] = hashes[j];
            }
        }
        out[i] += zero;
    }
    return 0;
}

/* --- personal data ----------------------------------------------------------------------------- */

INLINE int is_letter(int sign)
{
    return (sign | 0x20) >= 'a' && (sign | 0x20) <= 'z';
}

INLINE int is_word(int sign)
{
    return is_letter(sign) || (sign >= '0' && sign <= '9') || sign == '-' || sign == '_';
}

INLINE int is_name(int sign)
{
    return is_letter(sign) || (sign >= '0' && sign <= '9');
}

INLINE int parted_by(int sign)
{
    return (sign & 0x7F) | 0x20;
}

INLINE int opens(uint32_t point)
{
    return point == '(' || point == 0xFF08 || point == '[' || point == 0x3010 || point == '<';
}

INLINE int closes(uint32_t point)
{
    return point == ')' || point == 0xFF09 || point == ']' || point == 0x3011 || point == '>';
}

/* What the names of hosts end with: stages.personal.net.TLDS. */
#define ENDS_OF_HOSTS                                                                                 \
    "com", "net", "org", "edu", "gov", "mil", "cn", "hk", "tw", "jp", "kr", "uk", "info", "biz",      \
        "top", "xyz", "vip", "club", "shop", "site", "online", "wang", "cc", "tv", "mobi", "asia", 0

/* Do the signs right behind sign i of s begin with a word of small letters, large or small? */
INLINE int goes_on(const int64_t *at, const int32_t *sign, int64_t i, int64_t s, const char *word)
{
    int64_t j;
    for (j = 1; word[j - 1]; j++)
        if (i + j >= s || at[i + j] != at[i] + j || ((sign[i + j] & 0x7F) | 0x20) != word[j - 1])
            return 0;
    return 1;
}

/* Twin: stages.personal.hints._signs. hits: int64[h], ascending, the places among the k points whose
   class, in classes (uint8[h]), is not 0: 1 a sign of ASCII or its full width, 2 a digit of these, 3 a
   Chinese digit, 4 another digit, 5 to 8 others. What stands near one another is told as a place in
   out and what is there in kinds: NEAR_5 to OTHERS below. at: int64[h] and sign: int32[h], to work in.
   out: int64[room], kinds: uint8[room]; eight for each of hits are enough. Those of a kind ascend.
   Returns how many. */
enum { NEAR_5, ROW_4, NEAR_10, NEAR_15, SPELT, DOTS, SITES, MAILS, ATS, WECHAT, WORDS, COLONS, WIDES, OTHERS };
EXPORT int64_t loops_signs(const uint32_t *ALONE points, int64_t k, const int64_t *ALONE offsets,
                           int64_t m, const int64_t *ALONE hits, const uint8_t *ALONE classes,
                           int64_t h, int64_t *ALONE at, int32_t *ALONE sign, int64_t *ALONE out,
                           uint8_t *ALONE kinds, int64_t room)
{
    static const char *const ends[] = {ENDS_OF_HOSTS};
    static const struct { int64_t count, width; int kind; } near[4] = {
        {5, 9, NEAR_5}, {4, 4, ROW_4}, {10, 21, NEAR_10}, {15, 29, NEAR_15}};
    int64_t digits[16], both[16], spelt[8]; /* the last of each, where their number says */
    int64_t i, j, n = 0, s = 0, digit_n = 0, both_n = 0, spelt_n = 0, word = 0, text = 0;
    if (!fits(offsets, m, k) || room / 8 < h)
        return BAD;
    for (i = 0; i < h; i++)
        if (hits[i] < (i ? hits[i - 1] + 1 : 0) || hits[i] >= k)
            return BAD;
#define TELL(place, what) (out[n] = (place), kinds[n++] = (uint8_t)(what))
    for (i = 0; i < h; i++) {
        int class = classes[i];
        int64_t here = hits[i];
        if (class == 2 || class == 4) {
            digits[digit_n++ & 15] = here;
            for (j = 0; j < 4; j++)
                if (digit_n >= near[j].count) {
                    int64_t first = digits[(digit_n - near[j].count) & 15];
                    if (here - first < near[j].width)
                        TELL(first, near[j].kind);
                }
        }
        if (class == 3) {
            spelt[spelt_n++ & 7] = here;
            if (spelt_n >= 6 && here - spelt[(spelt_n - 6) & 7] < 9)
                TELL(spelt[(spelt_n - 6) & 7], SPELT);
        }
        if (class >= 2 && class <= 4) {
            both[both_n++ & 15] = here;
            if (both_n >= 11 && here - both[(both_n - 11) & 15] < 11)
                TELL(both[(both_n - 11) & 15], SPELT);
        }
        if (class > 3) {
            TELL(here, OTHERS + class - 4);
        } else if (class < 3) {
            uint32_t point = points[here];
            at[s] = here; /* a sign of full width has the bit 7 */
            sign[s++] = (int32_t)(point > 0x7F ? 0x80 | ((point - 0xFEE0) & 0x7F) : point);
        }
    }
    for (i = 0; i < s; i++) {
        int64_t here = at[i], next = i + 1 < s ? i + 1 : 0, back = i ? i - 1 : s - 1;
        int joined = i && at[i - 1] == here - 1, wide = sign[i] >> 7, this = sign[i] & 0x7F;
        int lower = this | 0x20, left = sign[back] & 0x7F, right = sign[next] & 0x7F;
        int last = joined ? left | 0x20 : 0; /* what stands right before */
        /* what stands right before that */
        int before = i > 1 && at[i - 2] == at[i - 1] - 1 ? (sign[i - 2] & 0x7F) | 0x20 : 0;
        int parted = (sign[i > 2 ? i - 2 : 0] & 0x7F) | 0x20;
        uint32_t beside = points[here ? here - 1 : k - 1];
        if (is_word(this)) {
            word = joined && is_word(left) ? word + 1 : 1;
            while (text < m && offsets[text] < here - 4)
                text++;
            if (word == 5 || (word > 5 && text < m && offsets[text] == here - 4))
                TELL(here - 4, WORDS);
        }
        if (wide && (is_name(this) || (this && strchr("@./_-+*", this))))
            TELL(here, WIDES);
        switch (lower) {
        case '.':
            if (this == '.' && joined && i + 2 < s && at[i + 2] == here + 2 && is_name(left) &&
                is_letter(sign[i + 1] & 0x7F) && is_letter(sign[i + 2] & 0x7F))
                TELL(here, DOTS);
            if (this == '.' && next == i + 1 && at[next] == here + 1) {
                int site = (is_name(right) || right == '-') && last == 'w' && before == 'w' && i > 2 &&
                           at[i - 3] == here - 3 && parted_by(sign[i - 3]) == 'w';
                for (j = 0; !site && ends[j]; j++)
                    site = goes_on(at, sign, i, s, ends[j]);
                if (site)
                    TELL(here, SITES);
            }
            break;
        case '/':
            if (this == '/' && last == '/' && before == ':') {
                TELL(here, DOTS);
                TELL(here, SITES);
            }
            break;
        case 'a': case 't': /* (a) or (at) */
            if ((lower == 'a' || last == 'a') && here > (lower == 't') && here + 1 < k &&
                opens(points[here - 1 - (lower == 't')]) && closes(points[here + 1]))
                TELL(here, MAILS);
            break;
        case '`': /* of an @ */
            if (this == '@')
                TELL(here, ATS);
            break;
        case ':': case '=': case '|':
            if (this == ':' || this == '=' || this == '|')
                TELL(here, COLONS);
            break;
        case 'm': case 'n':
            if (lower == 'm' ? (last == 'o' || last == '0') && before == 'c' : last == 'c') {
                for (j = text; j <= m && offsets[j] < here + 1; j++)
                    ;
                if ((j <= m && offsets[j] == here + 1) || at[next] - here != 1 || !is_letter(right))
                    TELL(here, ATS);
            } else if (lower == 'm' && !last && i && here - at[i - 1] == 2 && (left | 0x20) == 'o') {
                TELL(here, ATS);
            }
            break;
        case 'x':
            if (((left | 0x20) == 'v' || (left | 0x20) == 'w') && here - at[back] <= 3)
                TELL(here, WECHAT);
            else if ((left == '.' || left == '-') && (parted == 'v' || parted == 'w'))
                TELL(here, WECHAT);
            else if (beside == 0xA5 || beside == 0x2764 || beside == 0xFE0F || beside == 0x5FAE)
                TELL(here, WECHAT);
            break;
        case 'e':
            if (last == 'w' && ((right | 0x20) == 'i' || (right | 0x20) == 'c'))
                TELL(here, WECHAT);
            break;
        case 'v': case 'w':
            if (last == '+' || beside == 0x52A0 || beside == 0x2795 || beside == 0x7684 ||
                beside == 0x8D70 || beside == 'V' || (right | 0x20) == '+' || (right | 0x20) == ':' ||
                (right | 0x20) == '|')
                TELL(here, WECHAT);
            break;
        }
    }
#undef TELL
    return n;
}

/* Twin: stages.personal.hints._near_by. Does a point with table[point] (uint8[size]) stand from `start`
   to before `end` behind each of the places (int64[n])? What would lie before the first of the k
   points or behind the last is that one. out: uint8[n]. Returns 0, or BAD where k is 0. */
EXPORT int64_t loops_near(const uint32_t *ALONE points, int64_t k, const int64_t *ALONE places,
                          int64_t n, const uint8_t *ALONE table, int64_t size, int64_t start,
                          int64_t end, uint8_t *ALONE out)
{
    int64_t i, at;
    if (k < 1)
        return BAD;
    for (i = 0; i < n; i++) {
        out[i] = 0;
        if (places[i] < -(INT64_MAX >> 1) || places[i] > INT64_MAX >> 1)
            return BAD;
        for (at = places[i] + start; !out[i] && at < places[i] + end; at++) {
            uint32_t point = points[at < 0 ? 0 : at < k ? at : k - 1];
            out[i] = point < size && table[point];
        }
    }
    return 0;
}

/* --- benchmarks -------------------------------------------------------------------------------- */

/* Twin: the sieve of stages.leaks.grams.Grams.find. Which windows of n points, over the ends of
   texts as well, have a hash among `known` (uint32[u], ascending, each once)? sieve: uint32[65536], 2^21
   bits, the lowest of a word first, by a hash's highest bits: set for each of known. first: int32[65537], where
   those of known begin that have the same 16 highest bits. out, slots: int64[k], where a window
   begins, and which of known it has. Returns how many. */
BY_CPU EXPORT int64_t loops_probed(const uint32_t *points, int64_t k, int64_t n,
                                   const uint32_t *ALONE sieve, const uint32_t *ALONE known, int64_t u,
                                   const int32_t *ALONE first, int64_t *ALONE out,
                                   int64_t *ALONE slots)
{
    uint32_t hashes[BLOCK];
    uint8_t may[BLOCK + 8];
    int64_t begin, i, found = 0, windows = k - n + 1;
    if (n < 1 || n > WIDEST || first[0] != 0 || first[65536] != u)
        return BAD;
    for (i = 0; i < 65536; i++)
        if (first[i] > first[i + 1])
            return BAD;
    for (begin = 0; begin < windows; begin += BLOCK) {
        int64_t count = windows - begin < BLOCK ? windows - begin : BLOCK;
        hashes32(points + begin, count, n, hashes);
        for (i = 0; i < count; i++)
            may[i] = (uint8_t)(sieve[hashes[i] >> 16] >> (hashes[i] >> 11 & 31) & 1);
        for (i = 0; (i = next_of(may, i, count)) < count; i++) {
            uint32_t hash = hashes[i];
            int64_t low = first[hash >> 16], high = first[(hash >> 16) + 1];
            while (low < high) {
                int64_t middle = (low + high) / 2;
                if (known[middle] < hash)
                    low = middle + 1;
                else
                    high = middle;
            }
            out[found] = begin + i;
            slots[found] = low;
            found += low < u && known[low] == hash;
        }
    }
    return found;
}

/* --- pairs of texts that may be near ----------------------------------------------------------- */

#define TAKEN (1ull << 63)

/* How many slots of a table hold so many n-grams: the power of two from half as many more on, 4 or
   more. */
INLINE int64_t slots_for(int64_t grams)
{
    int64_t slots = 4;
    while (slots < grams + grams / 2)
        slots *= 2;
    return slots;
}

/* The n-grams of the k windows at p: the 40 highest bits of a hash of 64 bits, or 32 bits. */
INLINE void names_of(const uint32_t *p, int64_t k, int64_t n, int64_t wide, uint64_t *ALONE names)
{
    uint32_t hashes[BLOCK];
    int64_t i;
    if (wide) {
        hashes64(p, k, n, names);
        for (i = 0; i < k; i++)
            names[i] = names[i] >> 24 | TAKEN;
    } else {
        hashes32(p, k, n, hashes);
        for (i = 0; i < k; i++)
            names[i] = hashes[i] | TAKEN;
    }
}

/* The slot of `name` in a table, or the empty one where it belongs. */
INLINE uint64_t *slot_of(uint64_t *table, uint64_t mask, uint64_t name)
{
    uint64_t at = name & mask;
    while (table[at] && table[at] != name)
        at = (at + 1) & mask;
    return table + at;
}

/* Twins: stages.near.jaccard.jaccard and stages.near.containment.shares. Of each of p pairs of texts,
   numbers one[i] and other[i] below m, how many different n-grams has the first, how many the
   second, and how many both? n-grams are told apart by 40 bits where `wide`, else by 32: see names_of.
   Best where pairs with the same `other` follow one another. table: uint64[size], for slots_for both
   texts of any pair. out: int64[3 * p]. n: 1 to WIDEST. Returns 0. */
BY_CPU EXPORT int64_t loops_shared(const uint32_t *points, int64_t k, const int64_t *offsets,
                                   int64_t m, const int64_t *ALONE one, const int64_t *ALONE other,
                                   int64_t p, int64_t n, int64_t wide, uint64_t *ALONE table,
                                   int64_t size, int64_t *ALONE out)
{
    uint64_t names[BLOCK], *mine = table;
    int64_t i, j, at, count, windows, few, slots = 0, many = 0;
    if (!fits(offsets, m, k) || n < 1 || n > WIDEST)
        return BAD;
    for (i = 0; i < p; i++)
        if (one[i] < 0 || one[i] >= m || other[i] < 0 || other[i] >= m)
            return BAD;
    for (i = 0; i < p; i++, out += 3) {
        if (!i || other[i] != other[i - 1]) {
            windows = offsets[other[i] + 1] - offsets[other[i]] - n + 1;
            slots = slots_for(windows);
            if (slots > size)
                return BAD;
            memset(table, 0, (size_t)slots * sizeof *table);
            mine = table + slots;
            many = 0;
            for (at = 0; at < windows; at += BLOCK) {
                count = windows - at < BLOCK ? windows - at : BLOCK;
                names_of(points + offsets[other[i]] + at, count, n, wide, names);
                for (j = 0; j < count; j++) {
                    uint64_t *slot = slot_of(table, (uint64_t)slots - 1, names[j]);
                    many += !*slot;
                    *slot = names[j];
                }
            }
        }
        windows = offsets[one[i] + 1] - offsets[one[i]] - n + 1;
        few = slots_for(windows);
        if (few > size - slots)
            return BAD;
        memset(mine, 0, (size_t)few * sizeof *mine);
        out[0] = out[2] = 0;
        out[1] = many;
        for (at = 0; at < windows; at += BLOCK) {
            count = windows - at < BLOCK ? windows - at : BLOCK;
            names_of(points + offsets[one[i]] + at, count, n, wide, names);
            for (j = 0; j < count; j++) {
                uint64_t *slot = slot_of(mine, (uint64_t)few - 1, names[j]);
                if (*slot)
                    continue;
                *slot = names[j];
                out[0]++;
                out[2] += *slot_of(table, (uint64_t)slots - 1, names[j]) != 0;
            }
        }
    }
    return 0;
}

INLINE uint64_t ones(uint64_t x)
{
    x -= x >> 1 & 0x5555555555555555ull;
    x = (x & 0x3333333333333333ull) + (x >> 2 & 0x3333333333333333ull);
    x = (x + (x >> 4)) & 0x0F0F0F0F0F0F0F0Full;
    return x * 0x0101010101010101ull >> 56;
}

/* Twin: stages.near.jaccard.lacking. flags: uint64[16 * m], 1,024 of each of m texts. out:
   int64[2 * p], of each of p pairs, numbers one[i] and other[i] below m, how many flags the first has
   and the second has not, and the other way round. Returns 0. */
BY_CPU EXPORT int64_t loops_lacking(const uint64_t *ALONE flags, int64_t m, const int64_t *ALONE one,
                                    const int64_t *ALONE other, int64_t p, int64_t *ALONE out)
{
    int64_t i;
    int j;
    for (i = 0; i < p; i++)
        if (one[i] < 0 || one[i] >= m || other[i] < 0 || other[i] >= m)
            return BAD;
    for (i = 0; i < p; i++) {
        const uint64_t *a = flags + 16 * one[i], *b = flags + 16 * other[i];
        uint64_t x = 0, y = 0;
        for (j = 0; j < 16; j++) {
            x += ones(a[j] & ~b[j]);
            y += ones(b[j] & ~a[j]);
        }
        out[2 * i] = (int64_t)x;
        out[2 * i + 1] = (int64_t)y;
    }
    return 0;
}

/* Twin: records.points.gathered. Text i of m is made of the pieces with the numbers
   cuts[i] up to cuts[i + 1] (of p), a line end between two: piece j is the sizes[j] bytes from
   begins[j] on of file from[i] of f, which is lengths[from[i]] bytes at the address
   places[from[i]]. Text i goes to out from at[i] on. out: uint8[room]. Returns 0. */
EXPORT int64_t loops_gathered(const uint64_t *ALONE places, const int64_t *ALONE lengths, int64_t f,
                              const int64_t *ALONE from, const int64_t *ALONE cuts, int64_t m,
                              const int64_t *ALONE begins, const int64_t *ALONE sizes, int64_t p,
                              const int64_t *ALONE at, uint8_t *ALONE out, int64_t room)
{
    int64_t i, j;
    if (!fits(cuts, m, p))
        return BAD;
    for (i = 0; i < m; i++) {
        int64_t left = at[i] < 0 ? -1 : room - at[i];
        if (from[i] < 0 || from[i] >= f || left < 0)
            return BAD;
        for (j = cuts[i]; j < cuts[i + 1]; j++) {
            int64_t length = lengths[from[i]];
            if (sizes[j] < 0 || sizes[j] > length || begins[j] < 0 || begins[j] > length - sizes[j])
                return BAD;
            left -= sizes[j] + (j > cuts[i]);
            if (left < 0)
                return BAD;
        }
    }
    for (i = 0; i < m; i++) {
        uint8_t *to = out + at[i];
        for (j = cuts[i]; j < cuts[i + 1]; j++) {
            if (j > cuts[i])
                *to++ = '\n';
            if (sizes[j])
                memcpy(to, (const uint8_t *)(uintptr_t)places[from[i]] + begins[j], (size_t)sizes[j]);
            to += sizes[j];
        }
    }
    return 0;
}

/* Twin: stages.near.containment.met. keys: uint32[k] with offsets, the sampled n-grams of the m texts
   from number `begin` on. The table: sieve, uint8[2^(bits + finer)], and first, int32[2^bits], by a
   key's highest bits; known, uint32[u + 1], ascending, the last one a stop; starts, int64[u + 2]:
   known[s] stands in owners[starts[s]] up to owners[starts[s + 1]] (int32, of o), which are numbers
   below r of texts (int64[r]), of which each must share least[] or more. `seen` thousandths of its own
   are what one of the m texts must share. kept, uint8[n], and label, int64[n], of all texts. Scratch:
   stamp, uint32[u + 1], shared, int32[r], both all 0 before the first call; touched, int64[r]. state:
   which of the m texts is next; it is called again from there until it is m. one, other:
   int64[room], room 2 * r or more. Returns how many pairs are in these. */
EXPORT int64_t loops_met(const uint32_t *ALONE keys, int64_t k, const int64_t *ALONE offsets, int64_t m,
                         int64_t begin, const uint8_t *ALONE sieve, int64_t finer,
                         const int32_t *ALONE first, int64_t bits, const uint32_t *ALONE known,
                         int64_t u, const int64_t *ALONE starts, const int32_t *ALONE owners, int64_t o,
                         const int64_t *ALONE texts, const int64_t *ALONE least, int64_t r,
                         int64_t seen, const uint8_t *ALONE kept, const int64_t *ALONE label, int64_t n,
                         uint32_t *ALONE stamp, int32_t *ALONE shared, int64_t *ALONE touched,
                         int64_t *ALONE state, int64_t *ALONE one, int64_t *ALONE other, int64_t room)
{
    int64_t at, i, e, found = 0;
    if (!fits(offsets, m, k) || begin < 0 || begin + m > n || bits < 1 || finer < 0 ||
        bits + finer > 32 || room < 2 * r || u < 0 || state[0] < 0)
        return BAD;
    for (i = 0; i < r; i++)
        if (texts[i] < 0 || texts[i] >= n)
            return BAD;
    for (i = state[0]; i < m && room - found >= 2 * r; i++) {
        const int64_t mine = begin + i;
        int64_t count = offsets[i + 1] - offsets[i], met = 0, own;
        for (at = offsets[i]; at < offsets[i + 1]; at++) {
            const uint32_t key = keys[at];
            int64_t slot;
            if (!sieve[key >> (32 - bits - finer)])
                continue;
            slot = first[key >> (32 - bits)];
            if (slot < 0)
                return BAD;
            while (slot < u && known[slot] < key)
                slot++;
            if (slot > u || known[slot] != key)
                continue;
            count--;
            if (stamp[slot] == (uint32_t)(i + 1))
                continue;
            stamp[slot] = (uint32_t)(i + 1);
            if (starts[slot] < 0 || starts[slot + 1] > o)
                return BAD;
            count += starts[slot] < starts[slot + 1];
            for (e = starts[slot]; e < starts[slot + 1] && kept[mine]; e++) {
                const int64_t which = owners[e];
                if (which < 0 || which >= r)
                    return BAD;
                if (label[texts[which]] != label[mine] && !shared[which]++)
                    touched[met++] = which;
            }
        }
        own = count * seen / 1000 > 1 ? count * seen / 1000 : 1;
        while (met--) {
            const int64_t which = touched[met], many = shared[which];
            shared[which] = 0;
            if (many >= least[which]) {
                one[found] = texts[which];
                other[found++] = mine;
            }
            if (many >= own) {
                one[found] = mine;
                other[found++] = texts[which];
            }
        }
    }
    state[0] = i;
    return found;
}

/* --- lines of JSON ----------------------------------------------------------------------------- */

/* What stands under a name, in the low bits of a mark, and whether it is a text with escapes. */
enum { IS_ABSENT, IS_NULL, IS_TEXT, IS_WHOLE, IS_OTHER, IS_NESTED, A_KIND = 7, HAS_ESCAPE = 8 };
/* What a text looks like, see loops_texts. */
enum { HAS_EDGE = 1, HAS_SIGN = 2, HAS_BREAK = 4 };
#define DEEPEST 32    /* lists and objects within one another */
#define REMEMBERED 64 /* names of a row, by their place in it */

/* Whether c cannot follow upon b, a and z in lines of UTF-8 where the one control character is the
   line end, and a \r before it. */
INLINE uint8_t cannot_be(uint8_t c, uint8_t b, uint8_t a, uint8_t z)
{
    const uint8_t inner = (c & 0xC0) == 0x80, due = (b >= 0xC0) | (a >= 0xE0) | (z >= 0xF0);
    return (uint8_t)((inner ^ due) | ((c < 0x20) & (c != '\n') & (c != '\r')) |
                     ((b == '\r') & (c != '\n')) | ((c & 0xFE) == 0xC0) | (c > 0xF4) |
                     ((b == 0xE0) & (c < 0xA0)) | ((b == 0xED) & (c > 0x9F)) |
                     ((b == 0xF0) & (c < 0x90)) | ((b == 0xF4) & (c > 0x8F)));
}

BY_CPU static int are_lines(const uint8_t *data, int64_t n)
{
    uint8_t bad = 0;
    int64_t i;
    for (i = 0; i < n && i < 3; i++)
        bad |= cannot_be(data[i], i > 0 ? data[i - 1] : 0, i > 1 ? data[i - 2] : 0, 0);
    for (i = 3; i < n; i++)
        bad |= cannot_be(data[i], data[i - 1], data[i - 2], data[i - 3]);
    for (i = 1; i <= 3 && i <= n; i++) /* nothing is due behind the last */
        bad |= data[n - i] >= 0xF0 || (i < 3 && data[n - i] >= 0xE0) || (i < 2 && data[n - i] >= 0xC0);
    return !bad;
}

INLINE const uint8_t *blanks(const uint8_t *p, const uint8_t *end)
{
    while (p < end && (*p == ' ' || *p == '\r'))
        p++;
    return p;
}

static int32_t hex4(const uint8_t *p)
{
    int32_t i, value = 0;
    for (i = 0; i < 4; i++) {
        const uint8_t c = p[i], low = c | 0x20;
        if (c >= '0' && c <= '9')
            value = value << 4 | (c - '0');
        else if (low >= 'a' && low <= 'f')
            value = value << 4 | (low - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/* The point that an escape is, and where it ends; -1 where it is none. p: behind the backslash. */
static int32_t unescaped(const uint8_t *p, const uint8_t *end, const uint8_t **behind)
{
    int32_t one, two;
    if (p >= end)
        return -1;
    *behind = p + 1;
    switch (*p) {
    case '"': case '\\': case '/': return *p;
    case 'n': return 10;
    case 't': return 9;
    case 'r': return 13;
    case 'b': return 8;
    case 'f': return 12;
    case 'u': break;
    default: return -1;
    }
    if (end - p < 5 || (one = hex4(p + 1)) < 0)
        return -1;
    *behind = p + 5;
    if ((one & 0xF800) != 0xD800)
        return one;
    if (one > 0xDBFF || end - p < 11 || p[5] != '\\' || p[6] != 'u')
        return -1;
    two = hex4(p + 7);
    *behind = p + 11;
    return (two & ~0x3FF) == 0xDC00 ? 0x10000 + ((one & 0x3FF) << 10 | (two & 0x3FF)) : -1;
}

/* The last quote of a text that begins at p, behind its first; 0 where it does not end, or has an
   escape that orjson does not take. */
static const uint8_t *text_end(const uint8_t *p, const uint8_t *end, uint8_t *mark)
{
    const uint8_t *quote = memchr(p, '"', (size_t)(end - p)), *next;
    while (quote && (next = memchr(p, '\\', (size_t)(quote - p)))) {
        *mark |= HAS_ESCAPE;
        if (unescaped(next + 1, end, &p) < 0)
            return 0;
        if (p > quote)
            quote = memchr(p, '"', (size_t)(end - p));
    }
    return quote;
}

INLINE const uint8_t *digits(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* Behind a number, word or text that begins at p, and what it is; 0 where it is none, or a number so
   large, or written with so many digits, that readers differ on it. */
static const uint8_t *scalar_end(const uint8_t *p, const uint8_t *end, uint8_t *mark)
{
    const uint8_t *begin = p, *from;
    const int64_t left = end - p;
    if (left < 1)
        return 0;
    if (*p == '"') {
        *mark = IS_TEXT;
        p = text_end(p + 1, end, mark);
        return p ? p + 1 : 0;
    }
    *mark = *p == 'n' ? IS_NULL : IS_OTHER;
    if (left >= 4 && (!memcmp(p, "null", 4) || !memcmp(p, "true", 4)))
        return p + 4;
    if (left >= 5 && !memcmp(p, "false", 5))
        return p + 5;
    p += *p == '-';
    from = p;
    p = digits(p, end);
    if (p == from || (*from == '0' && p - from > 1))
        return 0;
    *mark = p - begin <= 18 && *begin != '-' ? IS_WHOLE : IS_OTHER;
    if (p < end && *p == '.') {
        from = p + 1;
        p = digits(from, end);
        *mark = IS_OTHER;
        if (p == from)
            return 0;
    }
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        p += p < end && (*p == '-' || *p == '+');
        from = p;
        p = digits(p, end);
        *mark = IS_OTHER;
        if (p == from || p - from > 2)
            return 0;
    }
    return p - begin > 40 ? 0 : p;
}

/* Behind a name and its colon, and the blanks around; 0 where there are none. */
static const uint8_t *name_end(const uint8_t *p, const uint8_t *end)
{
    uint8_t mark = 0;
    p = blanks(p, end);
    if (p >= end || *p != '"' || !(p = text_end(p + 1, end, &mark)))
        return 0;
    p = blanks(p + 1, end);
    return p < end && *p == ':' ? blanks(p + 1, end) : 0;
}

/* Behind a list or an object that begins at p; 0 where it is none, or very deep. */
static const uint8_t *nested_end(const uint8_t *p, const uint8_t *end)
{
    uint64_t objects = 0; /* a bit each of those that are open: is it one? */
    int depth = 0, ends;
    uint8_t mark;
    do {
        p = blanks(p, end);
        ends = 0;
        if (p < end && (*p == '[' || *p == '{')) {
            if (depth++ == DEEPEST)
                return 0;
            objects = objects << 1 | (*p == '{');
            p = blanks(p + 1, end);
            ends = p < end && *p == (objects & 1 ? '}' : ']');
            if (!ends && objects & 1 && !(p = name_end(p, end)))
                return 0;
            if (!ends)
                continue;
        } else if (!(p = scalar_end(p, end, &mark))) {
            return 0;
        }
        for (; depth && (p = blanks(p, end)) < end && *p == (objects & 1 ? '}' : ']'); p++) {
            objects >>= 1;
            depth--;
        }
        if (depth) {
            if (p >= end || *p++ != ',' || (objects & 1 && !(p = name_end(p, end))))
                return 0;
        }
    } while (depth);
    return p;
}

/* Which of k names one is; k where it is none of them. */
static int64_t name_of(const uint8_t *key, int64_t size, const uint8_t *names, const int32_t *bounds,
                       int64_t k)
{
    int64_t i;
    for (i = 0; i < k; i++)
        if (bounds[i + 1] - bounds[i] == size && !memcmp(names + bounds[i], key, (size_t)size))
            return i;
    return k;
}

/* Twin: orjson, line by line. data: uint8[n], lines, each of them blank or one object of JSON. names:
   uint8[], k of them by int32[k + 1], the first w of which are wanted. For each row, of which there
   are no more than `room`: lines, int32[room, 2], where it begins and ends; marks, uint8[room, w],
   and spans, int32[room, w, 2], what stands under each wanted name, and where (of a text without its
   quotes); others, uint8[room], whether it has one of the other names. Returns how many rows there
   are; BAD where a line is anything else, or may be read in several ways: a name that is wanted twice
   or has escapes, half a surrogate pair, bytes that are no UTF-8, control characters. */
EXPORT int64_t loops_rows(const uint8_t *ALONE data, int64_t n, const uint8_t *ALONE names,
                          const int32_t *ALONE bounds, int64_t k, int64_t w, int32_t *ALONE lines,
                          int32_t *ALONE spans, uint8_t *ALONE marks, uint8_t *ALONE others,
                          int64_t room)
{
    const uint8_t *p, *stop = data + n, *next = data, *key, *end;
    int64_t rows = 0, place, which, known[REMEMBERED] = {0}, sizes[REMEMBERED] = {0};
    const uint8_t *keys[REMEMBERED] = {0}; /* of the row before: most have the same names */
    if (n < 0 || n > INT32_MAX || w < 0 || w > k || k < 0 || room < 0 || !are_lines(data, n))
        return BAD;
    while (next < stop) {
        end = memchr(next, '\n', (size_t)(stop - next));
        end = end ? end : stop;
        p = blanks(next, end);
        next = end < stop ? end + 1 : stop;
        if (p == end)
            continue;
        if (rows == room || *p != '{')
            return BAD;
        lines[2 * rows] = (int32_t)(p - data);
        memset(marks + rows * w, IS_ABSENT, (size_t)w);
        others[rows] = 0;
        p = blanks(p + 1, end);
        for (place = 0; p < end && (*p != '}' || place); place++) {
            uint8_t mark = 0;
            int64_t size;
            if (*p != '"')
                return BAD;
            key = p + 1;
            p = text_end(key, end, &mark);
            if (!p || mark & HAS_ESCAPE)
                return BAD;
            size = p - key;
            if (place < REMEMBERED && keys[place] && sizes[place] == size &&
                !memcmp(keys[place], key, (size_t)size)) {
                which = known[place];
            } else {
                which = name_of(key, size, names, bounds, k);
                if (place < REMEMBERED)
                    keys[place] = key, sizes[place] = size, known[place] = which;
            }
            p = blanks(p + 1, end);
            if (p >= end || *p != ':')
                return BAD;
            key = p = blanks(p + 1, end);
            mark = IS_NESTED;
            p = p < end && (*p == '[' || *p == '{') ? nested_end(p, end) : scalar_end(p, end, &mark);
            if (!p)
                return BAD;
            if (which < w) {
                int32_t *span = spans + 2 * (rows * w + which);
                const int quoted = (mark & A_KIND) == IS_TEXT;
                if (marks[rows * w + which])
                    return BAD;
                marks[rows * w + which] = mark;
                span[0] = (int32_t)(key - data) + quoted;
                span[1] = (int32_t)(p - data) - quoted;
            } else if (which < k) {
                others[rows] = 1;
            }
            p = blanks(p, end);
            if (p >= end || (*p != ',' && *p != '}'))
                return BAD;
            if (*p == '}')
                break;
            p = blanks(p + 1, end);
        }
        if (p >= end || *p != '}')
            return BAD;
        lines[2 * rows++ + 1] = (int32_t)(p + 1 - data);
        if (blanks(p + 1, end) != end)
            return BAD;
    }
    return rows;
}

/* Whether the character that begins at p, of `left` bytes of UTF-8, is a blank to Python. */
INLINE int is_blank(const uint8_t *p, int64_t left)
{
    if (left == 1)
        return (*p >= 9 && *p <= 13) || (*p >= 28 && *p <= 32);
    if (left == 2)
        return *p == 0xC2 && (p[1] == 0x85 || p[1] == 0xA0);
    if (left != 3 || *p < 0xE1 || *p > 0xE3)
        return 0;
    if (*p == 0xE1)
        return p[1] == 0x9A && p[2] == 0x80;
    if (*p == 0xE3)
        return p[1] == 0x80 && p[2] == 0x80;
    return p[1] == 0x80 ? p[2] <= 0x8A || p[2] == 0xA8 || p[2] == 0xA9 || p[2] == 0xAF
                        : p[1] == 0x81 && p[2] == 0x9F;
}

/* Whether a text of UTF-8 begins or ends with a blank, or is of `most` or fewer characters, all of
   them ASCII. */
static uint8_t has_edge(const uint8_t *text, int64_t size, int64_t most)
{
    int64_t i, begin = size - 1, first = 1;
    if (size <= most) {
        for (i = 0; i < size && text[i] < 0x80; i++) {
        }
        if (i == size)
            return 1;
    }
    while (first < size && first < 4 && (text[first] & 0xC0) == 0x80)
        first++;
    while (begin > 0 && size - begin < 4 && (text[begin] & 0xC0) == 0x80)
        begin--;
    return (uint8_t)(is_blank(text, first) || is_blank(text + begin, size - begin));
}

/* How many characters `size` bytes of UTF-8 are. look: HAS_SIGN where one is <, [ or U+25C1, HAS_BREAK
   where Python ends a line at one. */
BY_CPU static int32_t signs_of(const uint8_t *text, int64_t size, uint8_t *look)
{
    uint8_t sign = 0, line = 0, few;
    int32_t chars = 0;
    int64_t i, j;
    for (i = 0; i < size; i = j) {
        const int64_t end = size - i < FEW ? size : i + FEW;
        for (few = 0, j = i; j < end; j++) {
            const uint8_t c = text[j];
            few += (c & 0xC0) != 0x80;
            sign |= (c == '<') | (c == '[');
            line |= ((uint8_t)(c - 10) < 4) | ((uint8_t)(c - 28) < 3);
        }
        chars += few;
    }
    for (i = 1; i + 1 < size; i++) {
        const uint8_t a = text[i - 1], b = text[i], c = text[i + 1];
        sign |= (a == 0xE2) & (b == 0x97) & (c == 0x81);
        line |= (a == 0xE2) & (b == 0x80) & ((c & 0xFE) == 0xA8);
        line |= (b == 0xC2) & (c == 0x85);
    }
    line |= size > 1 && text[0] == 0xC2 && text[1] == 0x85;
    *look |= (uint8_t)((sign ? HAS_SIGN : 0) | (line ? HAS_BREAK : 0));
    return chars;
}

/* Twin: orjson. Texts of what loops_rows read of `data` (uint8[n]): m of them, by spans (int32[m, 2])
   and marks (uint8[m]); what is no text becomes an empty one. out: uint8[room], as many as the spans
   have. ends: int32[m + 1]. looks: uint8[m], HAS_EDGE where has_edge says so with `most`, and what signs_of says. chars: int32[m], the characters of each. Returns how many bytes there are, or BAD where spans, escapes or room do not fit: some
   of it may be written then. */
EXPORT int64_t loops_texts(const uint8_t *ALONE data, int64_t n, const int32_t *ALONE spans,
                           const uint8_t *ALONE marks, int64_t m, int64_t most, uint8_t *ALONE out,
                           int64_t room, int32_t *ALONE ends, uint8_t *ALONE looks,
                           int32_t *ALONE chars)
{
    int64_t i, at = 0;
    if (m < 0 || n < 0 || room < 0 || room > INT32_MAX)
        return BAD;
    ends[0] = 0;
    for (i = 0; i < m; i++) {
        const int64_t begin = spans[2 * i], size = spans[2 * i + 1] - begin, from = at;
        looks[i] = 0, chars[i] = 0;
        if ((marks[i] & A_KIND) == IS_TEXT) {
            const uint8_t *p = data + begin, *end = p + size, *next;
            if (begin < 0 || size < 0 || begin + size > n || size > room - at)
                return BAD;
            while (marks[i] & HAS_ESCAPE && (next = memchr(p, '\\', (size_t)(end - p)))) {
                int32_t point;
                memcpy(out + at, p, (size_t)(next - p));
                at += next - p;
                point = unescaped(next + 1, end, &p);
                if (point < 0)
                    return BAD;
                at += put_utf8(out + at, (uint32_t)point);
            }
            memcpy(out + at, p, (size_t)(end - p));
            at += end - p;
            looks[i] = has_edge(out + from, at - from, most);
            chars[i] = signs_of(out + from, at - from, looks + i);
        }
        ends[i + 1] = (int32_t)at;
    }
    return at;
}

/* --- what stands beside what -------------------------------------------------------------------- */

/* Twin: stages.near.signs.Neighbours.of. out: uint32[k - 2], of each point but the first and the last
   the bits that three tables (uint32[size]) have in common: `before` of the point before it, `at` of
   itself, `behind` of the next. Returns how many of the k points `at` has no bits for. */
BY_CPU EXPORT int64_t loops_beside(const uint32_t *ALONE points, int64_t k, const uint32_t *ALONE before,
                                   const uint32_t *ALONE at, const uint32_t *ALONE behind, int64_t size,
                                   uint32_t *ALONE out)
{
    int64_t i, none = 0;
    for (i = 0; i < k; i++)
        none += points[i] >= size || !at[points[i]];
    if (none)
        return none;
    for (i = 0; i + 2 < k; i++)
        out[i] = before[points[i]] & at[points[i + 1]] & behind[points[i + 2]];
    return 0;
}
