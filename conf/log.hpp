#pragma once
#include <cstdint>
#include <filesystem>

namespace conf {

// How much is logged: each level holds the ones before it.
enum class LogLevel { quiet, normal, verbose, debug };
// Lines as tftpd-hpa and sshd write them, or JSON.
enum class LogFormat { classic, json };
// Where lines go. "automatic": the journal under systemd, else stderr.
enum class LogTarget { automatic, stderr_stream, journal, syslog, file };

// The key `log.target`.
struct LogDestination {
  LogTarget target = LogTarget::automatic;
  std::filesystem::path file;  // for LogTarget::file
};

// The key `log`.
struct Log {
  LogLevel level = LogLevel::verbose;
  LogFormat format = LogFormat::classic;
  LogDestination destination;
  std::uint64_t max_size = 0;  // bytes of that file; then it becomes FILE.1 and a new one begins
};

}  // namespace conf
