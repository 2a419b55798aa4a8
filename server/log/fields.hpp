#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace server {

class Event;

// A figure of a line that a program may search for by its name, as the journal's CLIENT, FILE, BYTES, CAUSE,
// RELEASE, PROTOCOL and REQUEST.
struct LogField {
  std::string_view name;  // a literal
  std::string value;      // escaped as in the classic log, and bounded as there
};

// Those of an event: which of the names there are depends on its kind. RELEASE is the folder of the file that
// was read, or the release that was published or retired. Pure; any thread.
std::vector<LogField> log_fields(const Event& event);

}  // namespace server
