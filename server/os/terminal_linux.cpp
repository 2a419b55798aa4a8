#include "server/os/terminal.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace server {

bool has_terminal() {
  const int fd = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

}  // namespace server
