#include "server/events/events.hpp"

#include "server/events/process.hpp"

namespace server {

std::uint64_t Events::next_number() {
  thread_.expect();
  return ++last_number_;
}

void Events::warn(Warning kind, std::string text) { emit(event::Warned{kind, std::move(text)}); }

void Events::warn_rarely(Warning kind, const std::string& text) {
  if (auto told = rare_.tell(kind, text, RareWarnings::Clock::now())) warn(kind, std::move(*told));
}

void Events::emit(const Event& event) const {
  thread_.expect();
  for (const auto& listener : listeners_) listener(event);
}

}  // namespace server
