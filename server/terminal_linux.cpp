#include "server/terminal.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

namespace server {

std::optional<std::string> ask_secret(const std::string& prompt) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> terminal(std::fopen("/dev/tty", "r+e"), std::fclose);
  if (!terminal) return {};
  const int fd = ::fileno(terminal.get());
  termios shown{};
  if (::tcgetattr(fd, &shown) != 0) return {};
  auto hidden = shown;
  hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  hidden.c_lflag |= ECHONL;
  ::tcsetattr(fd, TCSAFLUSH, &hidden);
  std::fputs(prompt.c_str(), terminal.get());
  std::fflush(terminal.get());
  std::string answer;
  int c = 0;
  while ((c = std::fgetc(terminal.get())) != EOF && c != '\n') answer += static_cast<char>(c);
  ::tcsetattr(fd, TCSAFLUSH, &shown);
  if (c == EOF) return {};
  return answer;
}

bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

}  // namespace server
