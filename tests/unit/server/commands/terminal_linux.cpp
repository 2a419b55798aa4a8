#include "tests/unit/server/commands/terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <utility>

#include "tests/unit/server/commands/replaced.hpp"

namespace test {

struct Terminal::Impl {
  int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  int slave = -1;
  std::optional<Replaced> replaced;
};

Terminal::Terminal(std::FILE* stream, unsigned short columns) : impl_(std::make_unique<Impl>()) {
  auto& [master, slave, replaced] = *impl_;
  if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0) return;
  slave = ::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  termios how{};
  if (slave < 0 || ::tcgetattr(slave, &how) != 0) return;
  ::cfmakeraw(&how);
  ::tcsetattr(slave, TCSANOW, &how);
  winsize size{24, columns, 0, 0};
  ::ioctl(slave, TIOCSWINSZ, &size);
  replaced.emplace(stream, slave);
}

Terminal::~Terminal() {
  impl_->replaced.reset();
  for (const int each : {impl_->slave, impl_->master})
    if (each >= 0) ::close(each);
}

bool Terminal::works() const { return impl_->replaced.has_value(); }

std::string Terminal::take() {
  impl_->replaced.reset();
  ::close(std::exchange(impl_->slave, -1));
  std::string text;
  std::array<char, 4096> part{};
  for (pollfd watched{impl_->master, POLLIN, 0}; ::poll(&watched, 1, 10'000) == 1;) {
    const auto got = ::read(impl_->master, part.data(), part.size());
    if (got <= 0) break;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace test
