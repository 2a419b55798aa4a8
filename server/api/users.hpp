#pragma once
#include <string>

#include "server/api/desk.hpp"
#include "server/api/sources.hpp"
#include "server/http/router.hpp"

namespace conf {
struct User;
}  // namespace conf

namespace server {

// GET, POST, PATCH and DELETE of /users: as `apdepot user`, for administrators. Passwords are hashed, and
// files read and written, by the worker for passwords. Lives on the loop.
class UsersApi {
 public:
  explicit UsersApi(const ApiSources& sources);
  void offer(http::Router& router);

 private:
  void list(const http::Request& request, http::Respond respond);
  void add(const http::Request& request, http::Respond respond);
  void change(const http::Request& request, const std::string& name, http::Respond respond);
  void remove(const http::Request& request, const std::string& name, http::Respond respond);
  template <class Change>
  void alter(const http::Request& request, http::Respond respond, event::Acted act, Change change);

  const ApiSources& sources_;
  Desk desk_;
};

// As `apdepot user list --json` has it, without what opens the account. Pure.
std::string to_json(const conf::User& user, const char* defined_in);
// Puts what `body` says into `user`: {"password": "...", "root": "/EWC", "uploads": false, "keys":
// ["ssh-ed25519 ..."]}. What the request says wrong is a sentence; empty: nothing is. `password` gets what is
// to be hashed.
std::string read_user(const std::string& body, conf::User& user, std::string& name, std::string& password);

}  // namespace server
