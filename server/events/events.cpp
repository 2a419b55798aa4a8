#include "server/events/events.hpp"

namespace server {

void Events::warn_rarely(Warning kind, const std::string& text) {
  if (auto told = rare_.tell(kind, text, RareWarnings::Clock::now())) warn(kind, std::move(*told));
}

}  // namespace server
