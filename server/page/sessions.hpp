#pragma once
#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <string>

#include "conf/user.hpp"

namespace server {

// Who is logged in on the page: random texts in browsers' cookies, of which only the SHA-256 is kept, in
// memory alone. Bookkeeping alone; on the loop.
class Sessions {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::hours idle{12}, longest{7 * 24};
  static constexpr std::size_t most_of_a_user = 32, most = 1024;  // beyond, the oldest goes

  struct Session {
    std::string digest;  // of the cookie's text; also the session's name for others
    std::string name, csrf;
    conf::WebRole role;
    std::string password_hash;  // that it was opened with: another one ends it
    Clock::time_point began, used;
  };
  struct Opened {
    std::string cookie, csrf;
  };

  // For a user who has shown a password.
  Opened open(const conf::User& user, Clock::time_point now);
  // Nothing: there is none, or not any more.
  std::optional<Session> find(const std::string& cookie, Clock::time_point now);
  // By its digest, and without a request of the user's: it goes on to age.
  std::optional<Session> known(const std::string& digest, Clock::time_point now);
  // Whether the user may go on with it; else it ends. `user` is what the accounts say now; nothing: removed.
  bool holds(const Session& session, const conf::User* user);
  std::string csrf_of(const std::string& digest) const;  // empty where there is none
  void end(const std::string& digest);
  std::size_t count() const { return sessions_.size(); }

 private:
  void sweep(Clock::time_point now);

  std::list<Session> sessions_;  // the oldest first
};

}  // namespace server
