#include "server/text/login_text.hpp"

#include "server/events/ssh.hpp"

namespace server {

using event::LoginFault;

std::string_view word(LoginFault fault) {
  switch (fault) {
    case LoginFault::wrong_password:
      return "wrong_password";
    case LoginFault::unknown_user:
      return "unknown_user";
    case LoginFault::other_case:
      return "other_case";
    case LoginFault::no_password:
      return "no_password";
    case LoginFault::no_keys:
      return "no_keys";
    case LoginFault::other_key:
      return "other_key";
    case LoginFault::barred_key:
      return "barred_key";
    case LoginFault::wrong_signature:
      return "wrong_signature";
    case LoginFault::no_sftp:
      return "no_sftp";
    case LoginFault::no_web:
      return "no_web";
    case LoginFault::wrong_code:
      return "wrong_code";
    case LoginFault::not_judged:
      break;
  }
  return "not_judged";
}

}  // namespace server
