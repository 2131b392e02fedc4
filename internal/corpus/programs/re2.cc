// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program around RE2: matching, captures, replacement, sets and the filtered
// prefilter tree over generated text. What it prints is the same in every run.

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "re2/filtered_re2.h"
#include "re2/re2.h"
#include "re2/set.h"

namespace {

// A linear congruential generator: Knuth's MMIX constants.
struct Random {
  uint64_t state = 42;
  uint32_t operator()() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state >> 33);
  }
};

std::string Text(size_t lines) {
  static const char* const kHosts[] = {"alpha", "beta", "gamma-7", "delta.example", "\xce\xb5"};
  Random random;
  std::string text;
  for (size_t i = 0; i < lines; i++) {
    text += "2024-" + std::to_string(1 + random() % 12) + "-" + std::to_string(1 + random() % 28);
    text += std::string(" ") + kHosts[random() % 5] + ":" + std::to_string(random() % 65536);
    text += " took " + std::to_string(random() % 1000) + "." + std::to_string(random() % 10);
    text += random() % 3 ? "ms OK\n" : "ms FAILED: (timeout)\n";
  }
  return text;
}

// FNV-1a, 64 bits.
unsigned long long Checksum(const std::string& s) {
  uint64_t h = 14695981039346656037u;
  for (unsigned char c : s) h = (h ^ c) * 1099511628211u;
  return h;
}

void Find(const std::string& text) {
  static const char* const kPatterns[] = {
      R"((\d{4})-(\d{1,2}))",       R"((?i)failed: \((\w+)\))", R"((\pL+)(?:-\d+)?:(\d{4,5}))",
      R"((?m)^(.*?)(\d+\.\d)ms OK$)", R"(([a-z]+)(?:\.[a-z]+)+)", R"((a|ab)(c|bcd)?(d*))",
  };
  for (const char* pattern : kPatterns) {
    RE2 re(pattern);
    absl::string_view rest(text);
    std::string sum, a, b;
    RE2::Arg first(&a), second(&b);
    const RE2::Arg* const args[] = {&first, &second};
    int groups = re.NumberOfCapturingGroups() < 2 ? re.NumberOfCapturingGroups() : 2;
    size_t count = 0;
    for (; RE2::FindAndConsumeN(&rest, re, args, groups); count++) sum += a + "|" + b + "\n";
    std::printf("%-32s %6zu matches, %016llx, program %d\n", pattern, count, Checksum(sum),
                re.ProgramSize());
  }
}

void Replace(std::string text) {
  int n = RE2::GlobalReplace(&text, R"((\d+)-(\d+)-(\d+) (\S+):(\d+))", R"(\4[\5] \3/\2/\1)");
  std::printf("replaced %d: %016llx\n", n, Checksum(text));
}

void Sets(const std::string& text) {
  RE2::Set set(RE2::DefaultOptions, RE2::UNANCHORED);
  re2::FilteredRE2 filtered;
  for (const char* p : {"alpha", "gam+a-[0-9]", "(?i)TIMEOUT", "zeta", "9{3}\\.\\d"}) {
    int id;
    set.Add(p, nullptr);
    filtered.Add(p, RE2::DefaultOptions, &id);
  }
  set.Compile();
  std::vector<std::string> atoms;
  filtered.Compile(&atoms);
  std::vector<int> matches;
  set.Match(text, &matches);
  std::printf("set:");
  for (int id : matches) std::printf(" %d", id);
  std::printf(", atoms:");
  for (const std::string& atom : atoms) std::printf(" %s", atom.c_str());
  std::printf("\n");
}

void Errors() {
  RE2::Options quiet;
  quiet.set_log_errors(false);
  for (const char* p : {"(", "a**", "[z-a]", "\\8", "(?P<n>a)(?P<n>b)", "x{1001}"}) {
    RE2 re(p, quiet);
    std::printf("%-18s %s\n", p, re.ok() ? "accepted" : re.error().c_str());
  }
}

}  // namespace

int main() {
  std::string text = Text(4000);
  std::printf("text: %zu bytes, %016llx\n", text.size(), Checksum(text));
  Find(text);
  Replace(text);
  Sets(text);
  Errors();
}
