#pragma once
#include <cstdio>
#include <memory>
#include <string>

namespace test {

// A terminal of that width in the place of stdout or stderr, which takes at most 4,000 bytes. Some containers
// have no terminals, and on Windows none is made.
class Terminal {
 public:
  Terminal(std::FILE* stream, unsigned short columns);
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal();

  bool works() const;
  // What was written to it. Ends it.
  std::string take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace test
