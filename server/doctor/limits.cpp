#include "server/doctor/limits.hpp"

#include <fmt/format.h>

#include "conf/settings.hpp"
#include "server/doctor/check.hpp"
#include "server/os/disk.hpp"

namespace server::doctor {
namespace {

constexpr std::uint64_t descriptors_a_session = 4;
constexpr std::uint64_t worth_telling = 1000;  // one datagram of so many was dropped

Result run(const Sight& sight) {
  LimitsReading reading;
  reading.sessions = sight.settings->ssh.listen.empty() ? 0 : sight.settings->ssh.max_sessions;
  if (const auto& server = sight.server.server; server && server->pid)
    reading.descriptors = descriptors_of(*server->pid);
  if (sight.depot) reading.no_watch = watch_failure(sight.depot->drop());
  reading.udp = udp_count();
  return judge_limits(reading);
}

}  // namespace

Result judge_limits(const LimitsReading& reading) {
  Result result;
  const auto needed = descriptors_a_session * reading.sessions;
  if (reading.descriptors && *reading.descriptors < needed)
    result.look(fmt::format("the server may have {} files and sockets open, and {} sessions can need {}",
                            *reading.descriptors, reading.sessions, needed),
                fmt::format("LimitNOFILE={} in `systemctl edit apdepot`, or ssh.max_sessions: {}", needed,
                            *reading.descriptors / descriptors_a_session));
  if (reading.no_watch == std::errc::no_space_on_device)
    result.fails("this user may watch no more folders: what is put into drop/ is seen after a minute only",
                 "sysctl -w fs.inotify.max_user_watches=524288");
  if (reading.no_watch == std::errc::too_many_files_open)
    result.fails("this user may have no more watches of folders: drop/ cannot be watched",
                 "sysctl -w fs.inotify.max_user_instances=1024");
  if (reading.udp && reading.udp->no_room > 0 &&
      reading.udp->no_room * worth_telling >= reading.udp->received + reading.udp->no_room)
    result.look(fmt::format("{} UDP datagrams were dropped since this host started, and {} received: the "
                            "buffers of sockets were full",
                            reading.udp->no_room, reading.udp->received),
                "sysctl -w net.core.rmem_max=4194304 && systemctl restart apdepot");
  return std::move(result).or_ok(reading.descriptors
                                     ? fmt::format("{} files and sockets", *reading.descriptors)
                                     : "no limit was reached; without a server its own cannot be seen");
}

const Check limits_check{"limits", "limits", nullptr, run};

}  // namespace server::doctor
