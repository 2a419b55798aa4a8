#include "server/os/terminal.hpp"

#include <openssl/crypto.h>

#include "server/os/wide.hpp"

namespace server {
namespace {

constexpr std::size_t longest = 1024;

KernelHandle console(const wchar_t* name) {
  return KernelHandle(::CreateFileW(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                                    nullptr, OPEN_EXISTING, 0, nullptr));
}

bool is_console(DWORD stream) {
  DWORD mode = 0;
  return ::GetConsoleMode(::GetStdHandle(stream), &mode) != 0;
}

// What is typed is not shown as long as this lives.
class Hidden {
 public:
  explicit Hidden(HANDLE input) : input_(input), known_(::GetConsoleMode(input, &mode_) != 0) {
    constexpr DWORD by_lines = ENABLE_PROCESSED_INPUT | ENABLE_LINE_INPUT;
    if (known_) ::SetConsoleMode(input_, by_lines);
  }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;
  ~Hidden() {
    if (known_) ::SetConsoleMode(input_, mode_);
  }

 private:
  HANDLE input_;
  DWORD mode_ = 0;
  bool known_;
};

void print(HANDLE output, std::wstring_view text) {
  DWORD written = 0;
  ::WriteConsoleW(output, text.data(), static_cast<DWORD>(text.size()), &written, nullptr);
}

// One who presses Ctrl-C at a prompt means the prompt, and the console must show again what is typed.
BOOL WINAPI leave_ctrl_c(DWORD event) { return event == CTRL_C_EVENT; }

}  // namespace

bool has_terminal() { return static_cast<bool>(console(L"CONIN$")); }

// By the console itself and not by OpenSSL's prompt, which reads in the console's code page: a password is
// UTF-8 wherever it was typed.
std::optional<std::string> ask_secret(const std::string& prompt) {
  const auto input = console(L"CONIN$"), output = console(L"CONOUT$");
  if (!input || !output) return {};
  print(output.get(), wide(prompt));
  std::wstring typed(longest, L'\0');
  DWORD count = 0;
  ::SetConsoleCtrlHandler(leave_ctrl_c, TRUE);
  const bool read = [&] {
    const Hidden hidden(input.get());
    return ::ReadConsoleW(input.get(), typed.data(), static_cast<DWORD>(typed.size()), &count, nullptr) != 0;
  }();
  ::SetConsoleCtrlHandler(leave_ctrl_c, FALSE);
  print(output.get(), L"\r\n");
  std::optional<std::string> secret;
  const std::wstring_view line(typed.data(), read ? count : 0);
  const auto end = line.find_first_of(L"\r\n\x1a");
  // No line end: Ctrl-C, or more than fits. Ctrl-Z is what Ctrl-D is elsewhere.
  if (end != line.npos && line[end] != L'\x1a') secret = narrow(line.substr(0, end));
  ::OPENSSL_cleanse(typed.data(), typed.size() * sizeof(wchar_t));
  return secret;
}

bool stderr_is_terminal() { return is_console(STD_ERROR_HANDLE); }
bool stdout_is_terminal() { return is_console(STD_OUTPUT_HANDLE); }

bool stdout_takes_escapes() {
  DWORD mode = 0;
  return ::GetConsoleMode(::GetStdHandle(STD_OUTPUT_HANDLE), &mode) != 0 &&
         (mode & ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0;
}

bool speaks_utf8() { return ::GetConsoleOutputCP() == CP_UTF8; }

TerminalSize terminal_size() {
  CONSOLE_SCREEN_BUFFER_INFO info{};
  if (!::GetConsoleScreenBufferInfo(::GetStdHandle(STD_OUTPUT_HANDLE), &info)) return {};
  const int columns = info.srWindow.Right - info.srWindow.Left + 1,
            rows = info.srWindow.Bottom - info.srWindow.Top + 1;
  if (columns <= 0 || rows <= 0) return {};
  return {static_cast<unsigned>(columns), static_cast<unsigned>(rows)};
}

}  // namespace server
