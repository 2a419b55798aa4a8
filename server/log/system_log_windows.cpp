#include <algorithm>

#include "server/log/system_log.hpp"
#include "server/os/event_log.hpp"

namespace server {
namespace {

// The server's own lines about a file or a release are of the import: a request has a tag of its protocol.
EventLog::Category category_of(std::string_view line, std::span<const LogField> fields) {
  using enum EventLog::Category;
  const auto tag = tagged_line(line).tag;
  if (tag == "in.tftpd") return tftp;
  if (tag == "sshd" || tag == "sftp-server") return ssh;
  const auto has = [&](std::string_view name) {
    return std::ranges::find(fields, name, &LogField::name) != fields.end();
  };
  return (has("FILE") || has("RELEASE")) && !has("PROTOCOL") ? import : none;
}

}  // namespace

struct SystemLog::Impl {
  EventLog log;
};

SystemLog::SystemLog(Kind, const std::string&) : impl_(std::make_unique<Impl>()) {}
SystemLog::SystemLog(SystemLog&&) noexcept = default;
SystemLog::~SystemLog() = default;

std::string SystemLog::place() const { return "the event log"; }

std::error_code SystemLog::reach() const { return impl_->log.failure(); }

bool SystemLog::takes_fields() const { return true; }

// The time is the event log's own.
std::error_code SystemLog::write(Severity severity, std::string_view line, std::span<const LogField> fields,
                                 std::int64_t) const {
  using enum EventLog::Level;
  const auto level = severity <= Severity::error     ? error
                     : severity == Severity::warning ? warning
                                                     : information;
  return impl_->log.write(level, category_of(line, fields), line);
}

}  // namespace server
