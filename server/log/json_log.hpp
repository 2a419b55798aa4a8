#pragma once
#include "server/log/classic.hpp"

namespace server {

class Event;

// An event as one JSON object: "event" names it, the rest are its own figures; "text" is the classic line, so
// that a person who reads the JSON needs no second log. Texts from a client are in the escaped form of the
// classic log.
LogLine json_line(const Event& event);

// An event's kind, as JSON has it: "tftp.requested".
std::string event_kind(const Event& event);

}  // namespace server
