#include "server/commands/progress_bar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "server/os/terminal.hpp"
#include "server/text/escape.hpp"

namespace server {

ProgressBar::ProgressBar(const std::string& what)
    : what_(escaped(what, whole)), shown_(stderr_is_terminal()) {}

ProgressBar::~ProgressBar() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
}

void ProgressBar::show(std::uint64_t done, std::optional<std::uint64_t> total) {
  using namespace std::chrono_literals;
  const auto now = std::chrono::steady_clock::now();
  if (!shown_ || total == 0 || (drawn_ && now - last_ < 100ms)) return;
  if (total) {
    constexpr std::uint64_t width = 40;
    const auto part = std::min(done, *total);
    fmt::print(stderr, "\r[{:<{}}] {:>3} % {}\x1b[K", std::string(part * width / *total, '#'), width,
               part * 100 / *total, what_);
  } else {
    fmt::print(stderr, "\r{:.1f} MB {}\x1b[K", static_cast<double>(done) / 1e6, what_);
  }
  std::fflush(stderr);
  drawn_ = true;
  last_ = now;
}

}  // namespace server
