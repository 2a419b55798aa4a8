#pragma once
#include <unistd.h>

#include <cstdio>

namespace test {

// Puts another file in the place of stdout or stderr as long as it lives.
class Replaced {
 public:
  Replaced(std::FILE* stream, int by) : stream_(stream), before_(::dup(::fileno(stream))) {
    std::fflush(stream_);
    ::dup2(by, ::fileno(stream_));
  }
  Replaced(const Replaced&) = delete;
  Replaced& operator=(const Replaced&) = delete;
  ~Replaced() {
    std::fflush(stream_);
    ::dup2(before_, ::fileno(stream_));
    ::close(before_);
  }

 private:
  std::FILE* const stream_;
  const int before_;
};

}  // namespace test
