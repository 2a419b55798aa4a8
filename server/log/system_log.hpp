#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "server/log/records.hpp"

namespace server {

// The log of the host. Linux: a datagram a line, to the journal or to syslog. Windows: both are the event log
// `Application`, source apdepot, an event a line. Belongs to one thread, which waits while it is busy.
class SystemLog {
 public:
  enum class Kind : std::uint8_t { journal, syslog };

  // `path` is that of the socket. Throws std::system_error when there is nothing to reach it by.
  SystemLog(Kind kind, const std::string& path);
  SystemLog(SystemLog&&) noexcept;
  SystemLog& operator=(SystemLog&&) = delete;
  ~SystemLog();

  std::string place() const;      // for a message
  std::error_code reach() const;  // whether somebody listens there; nothing is written
  bool takes_fields() const;      // or drops them
  std::error_code write(Severity severity, std::string_view line, std::span<const LogField> fields,
                        std::int64_t milliseconds) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace server
