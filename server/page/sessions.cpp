#include "server/page/sessions.hpp"

#include <algorithm>

#include "server/accounts/tokens.hpp"

namespace server {
namespace {

constexpr std::size_t secret_bytes = 32;

}  // namespace

Sessions::Opened Sessions::open(const conf::User& user, Clock::time_point now) {
  sweep(now);
  const auto is_his = [&](const Session& session) { return session.name == user.name; };
  const auto his = static_cast<std::size_t>(std::ranges::count_if(sessions_, is_his));
  if (his >= most_of_a_user) {
    sessions_.erase(std::ranges::find_if(sessions_, is_his));
  } else if (sessions_.size() >= most) {
    sessions_.pop_front();
  }
  Opened opened{random_text(secret_bytes), random_text(secret_bytes)};
  sessions_.push_back(
      {sha256_of(opened.cookie), user.name, opened.csrf, user.web, user.password_hash, now, now});
  return opened;
}

std::optional<Sessions::Session> Sessions::find(const std::string& cookie, Clock::time_point now) {
  sweep(now);
  const auto found = std::ranges::find(sessions_, sha256_of(cookie), &Session::digest);
  if (found == sessions_.end()) return {};
  found->used = now;
  return *found;
}

std::optional<Sessions::Session> Sessions::known(const std::string& digest, Clock::time_point now) {
  sweep(now);
  const auto found = std::ranges::find(sessions_, digest, &Session::digest);
  return found == sessions_.end() ? std::nullopt : std::optional(*found);
}

bool Sessions::holds(const Session& session, const conf::User* user) {
  if (user && user->web == session.role && user->web != conf::WebRole::none &&
      user->password_hash == session.password_hash)
    return true;
  end(session.digest);
  return false;
}

std::string Sessions::csrf_of(const std::string& digest) const {
  const auto found = std::ranges::find(sessions_, digest, &Session::digest);
  return found == sessions_.end() ? "" : found->csrf;
}

void Sessions::end(const std::string& digest) {
  std::erase_if(sessions_, [&](const Session& session) { return session.digest == digest; });
}

void Sessions::sweep(Clock::time_point now) {
  std::erase_if(sessions_, [&](const Session& session) {
    return now - session.used >= idle || now - session.began >= longest;
  });
}

}  // namespace server
