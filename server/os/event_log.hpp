#pragma once
// For *_windows.cpp alone: Windows' event log `Application`, source apdepot.
#include <cstdint>
#include <string_view>
#include <system_error>

namespace server {

// One thread at a time; a call waits for the event log's service.
class EventLog {
 public:
  enum class Level : std::uint8_t { error, warning, information };
  // As the event viewer shows it; their names are in packaging/windows/events.mc.
  enum class Category : std::uint8_t { none, tftp, ssh, import };

  EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;
  ~EventLog();

  std::error_code failure() const { return failure_; }  // why nothing can be written
  std::error_code write(Level level, Category category, std::string_view utf8) const;

 private:
  void* source_;
  std::error_code failure_;
};

}  // namespace server
