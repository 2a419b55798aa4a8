#include "server/text/limit_name.hpp"

#include "server/events/ssh.hpp"
#include "server/events/syslog.hpp"
#include "server/events/tftp.hpp"

namespace server {

std::string_view limit_name(event::Limit limit) {
  switch (limit) {
    case event::Limit::requests_per_second:
      return "max_requests_per_second";
    case event::Limit::denied:
      return "deny";
    case event::Limit::not_allowed:
      return "allow";
    case event::Limit::transfers_per_address:
      return "max_transfers_per_address";
    case event::Limit::transfers:
      break;
  }
  return "max_transfers";
}

std::string_view limit_name(event::SshLimit limit) {
  switch (limit) {
    case event::SshLimit::unauthenticated_per_address:
      return "max_unauthenticated_per_address";
    case event::SshLimit::unauthenticated:
      return "max_unauthenticated";
    case event::SshLimit::sessions_per_address:
      return "max_sessions_per_address";
    case event::SshLimit::sessions:
      return "max_sessions";
    case event::SshLimit::penalty:
      break;
  }
  return "penalty";
}

std::string_view limit_name(event::SyslogLimit limit) {
  switch (limit) {
    case event::SyslogLimit::not_allowed:
      return "allow";
    case event::SyslogLimit::lines_per_second:
      return "max_lines_per_second";
    case event::SyslogLimit::lines_per_second_in_all:
      break;
  }
  return "max_lines_per_second_in_all";
}

}  // namespace server
