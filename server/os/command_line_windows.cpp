#include <array>
#include <cstdio>
#include <filesystem>

#include "server/os/command_line.hpp"
#include "server/os/wide.hpp"
#include "storage/files/path_text.hpp"
// After wide.hpp: it needs windows.h.
#include <shellapi.h>

namespace server {
namespace {

// The console of a shell is used by that, too.
bool has_console_alone() {
  std::array<DWORD, 2> processes{};
  return ::GetConsoleProcessList(processes.data(), static_cast<DWORD>(processes.size())) == 1;
}

}  // namespace

CommandLine::CommandLine(int, char**) {
  int count = 0;
  auto* const words = ::CommandLineToArgvW(::GetCommandLineW(), &count);
  if (!words) fail(::GetLastError(), "cannot read the command line");
  for (int i = 0; i < count; ++i) texts_.push_back(narrow(words[i]));
  ::LocalFree(words);
  double_clicked_ = count == 1 && has_console_alone();
  if (double_clicked_) {
    const auto folder = own_program().parent_path();
    texts_.insert(texts_.end(), {"serve", "--depot", storage::utf8_of(folder / "depot")});
    std::error_code ignored;
    if (const auto config = folder / "apdepot.yaml"; std::filesystem::exists(config, ignored))
      texts_.insert(texts_.end(), {"--config", storage::utf8_of(config)});
  }
  for (auto& text : texts_) pointers_.push_back(text.data());
}

void CommandLine::let_read() const {
  if (!double_clicked_) return;
  std::fputs("\nPress Enter to close this window.\n", stderr);
  std::getchar();
}

}  // namespace server
