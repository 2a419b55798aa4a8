#pragma once
#include <span>
#include <string>
#include <vector>

namespace server {

// The words of this process's command line, in UTF-8: on Windows main() gets them in a code page that has not
// every letter.
class CommandLine {
 public:
  CommandLine(int count, char** words);
  std::span<char* const> words() const { return pointers_; }  // the program's name first

 private:
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
};

}  // namespace server
