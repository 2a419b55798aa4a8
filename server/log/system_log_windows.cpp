#include "server/log/system_log.hpp"
#include "server/os/event_log.hpp"

namespace server {

struct SystemLog::Impl {
  EventLog log;
};

SystemLog::SystemLog(Kind, const std::string&) : impl_(std::make_unique<Impl>()) {}
SystemLog::SystemLog(SystemLog&&) noexcept = default;
SystemLog::~SystemLog() = default;

std::string SystemLog::place() const { return "the event log"; }

std::error_code SystemLog::reach() const { return impl_->log.failure(); }

bool SystemLog::takes_fields() const { return false; }

// The time is the event log's own.
std::error_code SystemLog::write(Severity severity, std::string_view line, std::span<const LogField>,
                                 std::int64_t) const {
  using enum EventLog::Level;
  const auto level = severity <= Severity::error     ? error
                     : severity == Severity::warning ? warning
                                                     : information;
  return impl_->log.write(level, line);
}

}  // namespace server
