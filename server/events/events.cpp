#include "server/events/events.hpp"

namespace server {

void Events::warn_rarely(std::string_view kind, const std::string& text) {
  if (auto told = rare_.tell(kind, text, RareWarnings::Clock::now())) emit(event::Warned{std::move(*told)});
}

}  // namespace server
