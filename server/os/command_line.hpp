#pragma once
#include <span>
#include <string>
#include <vector>

namespace server {

// The words of this process's command line, in UTF-8: on Windows main() gets them in a code page that has not
// every letter. There a double click on the program serves the folder `depot` beside it, by `apdepot.yaml`
// beside it if that exists.
class CommandLine {
 public:
  CommandLine(int count, char** words);
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;
  std::span<char* const> words() const { return pointers_; }  // the program's name first
  // The window of a double click closes with the program: waits until somebody has read why it ends.
  void let_read() const;

 private:
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
  bool double_clicked_ = false;
};

}  // namespace server
