#include "server/shared.hpp"

#include <fmt/format.h>

namespace server {

using namespace std::chrono_literals;

void Shared::warn_rarely(const std::string& text) {
  const auto now = std::chrono::steady_clock::now();
  auto [place, first] = rare_warnings.try_emplace(text);
  auto& rare = place->second;
  if (!first && now - rare.told < 10s) {
    ++rare.untold;
    return;
  }
  events.emit(event::Warned{rare.untold == 0 ? text : fmt::format("{} ({} times more)", text, rare.untold)});
  rare = {now, 0};
}

void Shared::start(net::awaitable<void> coroutine, std::string what) {
  net::co_spawn(loop, std::move(coroutine), [this, what = std::move(what)](const std::exception_ptr& error) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      events.emit(event::Warned{fmt::format("{} broke off: {}", what, e.what())});
    }
  });
}

}  // namespace server
