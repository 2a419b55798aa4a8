#pragma once
#include <string>

#include "server/events/ssh.hpp"

// What happens on the page.
namespace server::event {

// A user has logged in.
struct WebLoggedIn {
  std::string user, client;
  std::string method = "page";
};

// A login failed, or a try with a wrong code for the set-up. For the log alone, as for SSH.
struct WebLoginFailed {
  std::string user, client;
  LoginFault fault = LoginFault::wrong_password;
  std::string method = "page";
};

}  // namespace server::event
