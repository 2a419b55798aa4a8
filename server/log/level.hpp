#pragma once

namespace conf {
enum class LogLevel;
}  // namespace conf

namespace server {

class Event;

// The lowest level at which something of `event` is shown, known before any line of it is put together. What
// is not listed there counts as shown at every level: then its lines tell. Pure; any thread.
conf::LogLevel level_of(const Event& event);

}  // namespace server
