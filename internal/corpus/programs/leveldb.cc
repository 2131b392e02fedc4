// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program around LevelDB: writes, overwrites, deletes, batches, a snapshot,
// iteration both ways and a compaction, all in memory. What it prints is the same
// in every run.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "helpers/memenv/memenv.h"
#include "leveldb/cache.h"
#include "leveldb/db.h"
#include "leveldb/env.h"
#include "leveldb/filter_policy.h"
#include "leveldb/write_batch.h"

namespace {

std::string Key(uint32_t i) {
  char text[16];
  snprintf(text, sizeof text, "key%08u", i * 2654435761u % 100000);
  return text;
}

uint64_t Checksum(leveldb::DB* db, const leveldb::ReadOptions& options, bool forwards, int* count) {
  uint64_t h = 14695981039346656037u;
  std::unique_ptr<leveldb::Iterator> it(db->NewIterator(options));
  *count = 0;
  for (forwards ? it->SeekToFirst() : it->SeekToLast(); it->Valid(); forwards ? it->Next() : it->Prev()) {
    for (unsigned char c : it->key().ToString() + it->value().ToString()) h = (h ^ c) * 1099511628211u;
    ++*count;
  }
  return h;
}

bool Check(const leveldb::Status& status) {
  if (!status.ok()) printf("%s\n", status.ToString().c_str());
  return status.ok();
}

}  // namespace

int main() {
  std::unique_ptr<leveldb::Env> env(leveldb::NewMemEnv(leveldb::Env::Default()));
  std::unique_ptr<const leveldb::FilterPolicy> filter(leveldb::NewBloomFilterPolicy(10));
  leveldb::Options options;
  options.env = env.get();
  options.create_if_missing = true;
  options.filter_policy = filter.get();
  options.compression = leveldb::kNoCompression;
  options.write_buffer_size = 64 << 10;
  leveldb::DB* opened = nullptr;
  if (!Check(leveldb::DB::Open(options, "/db", &opened))) return 1;
  std::unique_ptr<leveldb::DB> db(opened);
  for (uint32_t i = 0; i < 5000; i++) {
    if (!Check(db->Put({}, Key(i), std::string(i % 50, 'a' + i % 26)))) return 1;
  }
  const leveldb::Snapshot* before = db->GetSnapshot();
  for (uint32_t i = 0; i < 5000; i += 3) {
    leveldb::WriteBatch batch;
    batch.Delete(Key(i));
    batch.Put(Key(i + 1), "changed " + std::to_string(i));
    if (!Check(db->Write({}, &batch))) return 1;
  }
  db->CompactRange(nullptr, nullptr);
  leveldb::ReadOptions then;
  then.snapshot = before;
  int now_count, then_count, back_count;
  uint64_t now = Checksum(db.get(), {}, true, &now_count);
  uint64_t back = Checksum(db.get(), {}, false, &back_count);
  uint64_t old = Checksum(db.get(), then, true, &then_count);
  db->ReleaseSnapshot(before);
  printf("now %d %016llx\nback %d %016llx\nthen %d %016llx\n", now_count, (unsigned long long)now, back_count,
         (unsigned long long)back, then_count, (unsigned long long)old);
  std::string value;
  printf("%s\n", db->Get({}, Key(1), &value).ok() ? value.c_str() : "none");
  printf("%s\n", db->Get({}, Key(0), &value).IsNotFound() ? "deleted" : "there");
  return 0;
}
