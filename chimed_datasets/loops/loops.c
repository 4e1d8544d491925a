/* The loops over characters that take most of a build's time, as plain C functions over buffers.

   Each does what a chain of NumPy passes does elsewhere in the package (its twin, named in its
   comment), value for value; tests/loops compares the two. None allocates, keeps anything, or
   knows Python: loops/compiled.py calls them by ctypes and owns every buffer.

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
    uint8_t seen[1024];
    int64_t i, at;
    if (!fits(offsets, m, k))
        return BAD;
    for (i = 0; i < m; i++, out += 128) {
        int64_t windows = offsets[i + 1] - offsets[i];
        memset(out, 0, 128);
        if (windows > most)
            continue;
        if (windows < 128) { /* a bit at a time */
            for (at = offsets[i]; at < offsets[i + 1]; at++)
                out[hashes[at] >> 25] |= (uint8_t)(0x80u >> (hashes[at] >> 22 & 7));
            continue;
        }
        memset(seen, 0, sizeof seen);
        for (at = offsets[i]; at < offsets[i + 1]; at++)
            seen[hashes[at] >> 22] = 1;
        for (at = 0; at < 1024; at++)
            out[at >> 3] |= (uint8_t)(seen[at] << (7 - (at & 7)));
    }
    return 0;
}

/* Twin: stages.near.containment.sampled. hashes: as above. Of each text the n-grams below `below`
   that have another one `apart` behind them in it: out gets mix(hash * odd + that other's hash).
   out: k of them. counts: int64[m]. Returns how many. */
EXPORT int64_t loops_sampled(const uint32_t *hashes, int64_t k, const int64_t *offsets, int64_t m,
                             uint32_t below, int64_t apart, uint32_t odd, uint32_t *ALONE out,
                             int64_t *ALONE counts)
{
    int64_t i, at, n = 0;
    if (!fits(offsets, m, k) || apart < 0)
        return BAD;
    for (i = 0; i < m; i++) {
        int64_t before = n;
        for (at = offsets[i]; at < offsets[i + 1] - apart; at++)
            if (hashes[at] < below)
                out[n++] = mix32(hashes[at] * odd + hashes[at + apart]);
        counts[i] = n - before;
    }
    return n;
}
