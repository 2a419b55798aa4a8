#include "server/os/command_line.hpp"
#include "server/os/wide.hpp"
// After wide.hpp: it needs windows.h.
#include <shellapi.h>

namespace server {

CommandLine::CommandLine(int, char**) {
  int count = 0;
  auto* const words = ::CommandLineToArgvW(::GetCommandLineW(), &count);
  if (!words) fail(::GetLastError(), "cannot read the command line");
  for (int i = 0; i < count; ++i) texts_.push_back(narrow(words[i]));
  ::LocalFree(words);
  for (auto& text : texts_) pointers_.push_back(text.data());
}

}  // namespace server
