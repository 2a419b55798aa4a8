#pragma once
#include <cstdio>
#include <cstdlib>

namespace fuzz {

// What holds whatever comes in. libFuzzer keeps the input of whoever aborts.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

}  // namespace fuzz
