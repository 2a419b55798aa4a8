#include "server/os/event_log.hpp"

#include "server/os/wide.hpp"

namespace server {
namespace {

// Of the messages that are linked to the program (packaging/windows/events.mc): their text is "%1", and their
// two highest bits are the severity.
constexpr DWORD informs = 0x40000001, warns = 0x80000002, fails = 0xC0000003;
constexpr std::size_t longest = 31'000;  // bytes; the system takes 31,839 characters

struct Kind {
  WORD type;
  DWORD message;
};

Kind kind_of(EventLog::Level level) {
  if (level == EventLog::Level::error) return {EVENTLOG_ERROR_TYPE, fails};
  if (level == EventLog::Level::warning) return {EVENTLOG_WARNING_TYPE, warns};
  return {EVENTLOG_INFORMATION_TYPE, informs};
}

}  // namespace

EventLog::EventLog() : source_(::RegisterEventSourceW(nullptr, L"apdepot")) {
  if (!source_) failure_ = last_error();
}

EventLog::~EventLog() {
  if (source_) ::DeregisterEventSource(source_);
}

std::error_code EventLog::write(Level level, Category category, std::string_view utf8) const {
  if (!source_) return failure_;
  const auto text = wide(utf8.substr(0, longest));
  const wchar_t* texts = text.c_str();
  const auto [type, message] = kind_of(level);
  if (!::ReportEventW(source_, type, static_cast<WORD>(category), message, nullptr, 1, 0, &texts, nullptr))
    return last_error();
  return {};
}

}  // namespace server
