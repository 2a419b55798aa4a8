#include "server/files/shared.hpp"

#include <fmt/format.h>

namespace server {

void Shared::warn_rarely(std::string_view kind, const std::string& text) {
  if (auto told = rare_warnings.tell(kind, text, RareWarnings::Clock::now()))
    events.emit(event::Warned{std::move(*told)});
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
