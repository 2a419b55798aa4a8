#include "server/log/system_log.hpp"
#include "server/os/log_socket.hpp"

namespace server {

struct SystemLog::Impl {
  const Kind kind;
  const LogSocket socket;
};

SystemLog::SystemLog(Kind kind, const std::string& path) : impl_(new Impl{kind, LogSocket(path)}) {}
SystemLog::SystemLog(SystemLog&&) noexcept = default;
SystemLog::~SystemLog() = default;

std::string SystemLog::place() const { return impl_->socket.path(); }

std::error_code SystemLog::reach() const { return impl_->socket.reach(); }

bool SystemLog::takes_fields() const { return impl_->kind == Kind::journal; }

std::error_code SystemLog::write(Severity severity, std::string_view line, std::span<const LogField> fields,
                                 std::int64_t milliseconds) const {
  return impl_->socket.send(impl_->kind == Kind::journal ? journal_record(severity, line, fields)
                                                         : syslog_record(severity, line, milliseconds));
}

}  // namespace server
