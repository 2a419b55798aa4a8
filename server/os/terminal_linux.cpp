#include "server/os/terminal.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>

namespace server {

bool has_terminal() {
  const int fd = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

// OpenSSL's own prompt: it shows again what is typed afterwards, whatever signal ends it.
std::optional<std::string> ask_secret(const std::string& prompt) {
  std::array<char, 1024> answer{};
  const int failed =
      ::EVP_read_pw_string_min(answer.data(), 0, static_cast<int>(answer.size()) - 1, prompt.c_str(), 0);
  std::optional<std::string> secret;
  if (failed == 0) secret = answer.data();
  ::OPENSSL_cleanse(answer.data(), answer.size());
  return secret;
}

bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }
bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

bool stdout_takes_escapes() {
  const char* const terminal = std::getenv("TERM");
  return stdout_is_terminal() && terminal && std::string_view(terminal) != "dumb";
}

bool speaks_utf8() {
  for (const auto* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value && *value) return std::string_view(value).find("UTF-8") != std::string_view::npos;
  }
  return false;
}

TerminalSize terminal_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

}  // namespace server
