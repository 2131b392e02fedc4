// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program around the zstd library that touches most of it: one-shot and
// streaming compression at several levels, worker threads, a trained dictionary.
// What it prints depends on nothing but the library and is the same in every run.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zdict.h"
#include "zstd.h"

enum { DATA_SIZE = 1 << 20, SAMPLE_SIZE = 512, SAMPLES = 400, DICT_SIZE = 8 << 10 };

static uint64_t state = 42;

// A linear congruential generator: Knuth's MMIX constants.
static uint32_t next(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 33);
}

// Fills `p` with words drawn unevenly from a small set, so that it compresses
// about as text does.
static void fill(char *p, size_t n) {
  static const char *words[] = {"thin ", "link ", "module ", "index ", "summary\n",
                                "import ", "backend ", "object ", "0x", "symbol: "};
  size_t i = 0;
  while (i < n) {
    uint32_t r = next();
    const char *w = words[(r % 10) * (r >> 8 & 7) / 7];
    for (; *w && i < n; w++)
      p[i++] = *w;
    if (r % 5 == 0 && i < n)
      p[i++] = (char)('a' + next() % 26);
  }
}

// FNV-1a, 64 bits.
static uint64_t checksum(const void *data, size_t n) {
  const unsigned char *p = data;
  uint64_t h = 14695981039346656037u;
  while (n--)
    h = (h ^ *p++) * 1099511628211u;
  return h;
}

static size_t ok(size_t code, const char *what) {
  if (ZSTD_isError(code)) {
    fprintf(stderr, "%s: %s\n", what, ZSTD_getErrorName(code));
    exit(1);
  }
  return code;
}

static void show(const char *what, int level, const void *packed, size_t n, const char *data,
                 size_t size) {
  char *back = malloc(size);
  size_t got = ok(ZSTD_decompress(back, size, packed, n), "decompress");
  int same = got == size && memcmp(back, data, size) == 0;
  printf("%-8s level %3d: %7zu bytes, %016llx, %s\n", what, level, n,
         (unsigned long long)checksum(packed, n), same ? "same" : "DIFFERENT");
  free(back);
  if (!same)
    exit(1);
}

static void stream(const char *data, char *packed, size_t cap, int workers) {
  ZSTD_CCtx *c = ZSTD_createCCtx();
  ok(ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 5), "level");
  ok(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1), "checksum");
  ok(ZSTD_CCtx_setParameter(c, ZSTD_c_nbWorkers, workers), "workers");
  ok(ZSTD_CCtx_setParameter(c, ZSTD_c_enableLongDistanceMatching, 1), "long distance");
  ZSTD_inBuffer in = {data, DATA_SIZE, 0};
  ZSTD_outBuffer out = {packed, cap, 0};
  while (ok(ZSTD_compressStream2(c, &out, &in, ZSTD_e_end), "stream") != 0)
    ;
  ZSTD_freeCCtx(c);
  show(workers ? "threads" : "stream", 5, packed, out.pos, data, DATA_SIZE);
}

static void dictionary(const char *data, char *packed, size_t cap) {
  size_t sizes[SAMPLES];
  char *dict = malloc(DICT_SIZE);
  for (int i = 0; i < SAMPLES; i++)
    sizes[i] = SAMPLE_SIZE;
  size_t n = ZDICT_trainFromBuffer(dict, DICT_SIZE, data, sizes, SAMPLES);
  if (ZDICT_isError(n)) {
    fprintf(stderr, "dictionary: %s\n", ZDICT_getErrorName(n));
    exit(1);
  }
  ZSTD_CCtx *c = ZSTD_createCCtx();
  ZSTD_DCtx *d = ZSTD_createDCtx();
  char back[SAMPLE_SIZE];
  const char *text = data + DATA_SIZE - SAMPLE_SIZE;
  size_t m = ok(ZSTD_compress_usingDict(c, packed, cap, text, SAMPLE_SIZE, dict, n, 7), "dict");
  ok(ZSTD_decompress_usingDict(d, back, sizeof back, packed, m, dict, n), "undict");
  printf("dictionary: %zu bytes, %016llx, a sample in %zu, %s\n", n,
         (unsigned long long)checksum(dict, n), m,
         memcmp(back, text, SAMPLE_SIZE) ? "DIFFERENT" : "same");
  ZSTD_freeCCtx(c);
  ZSTD_freeDCtx(d);
  free(dict);
}

int main(void) {
  static const int levels[] = {-3, 1, 3, 6, 9, 13, 16, 19};
  size_t cap = ZSTD_compressBound(DATA_SIZE);
  char *data = malloc(DATA_SIZE), *packed = malloc(cap);
  fill(data, DATA_SIZE);
  printf("zstd %s, data %016llx\n", ZSTD_versionString(),
         (unsigned long long)checksum(data, DATA_SIZE));
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
    size_t n = ok(ZSTD_compress(packed, cap, data, DATA_SIZE, levels[i]), "compress");
    show("one-shot", levels[i], packed, n, data, DATA_SIZE);
  }
  stream(data, packed, cap, 0);
  stream(data, packed, cap, 2);
  dictionary(data, packed, cap);
  free(data);
  free(packed);
  return 0;
}
