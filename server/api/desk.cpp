#include "server/api/desk.hpp"

#include <fmt/format.h>

#include "server/events/events.hpp"
#include "server/loop/client_network.hpp"
#include "server/os/host_text.hpp"
#include "storage/history/database.hpp"

namespace server {

Outcome refused(unsigned status, const std::string& title, const std::string& why, const std::string& fix) {
  return {http::problem(status, title, why, fix), why};
}

Asker asker_of(const http::Request& request) {
  return {client_network(request.address()), request.method != "GET" && request.method != "HEAD"};
}

http::Reply Desk::busy() {
  return http::problem(503, "busy", "too many questions wait for the disk", "ask again in some seconds");
}
http::Reply Desk::busy_with_one() {
  return http::problem(503, "busy", "too many questions of your address wait for the disk",
                       "ask again in some seconds");
}

Outcome Desk::failed_for_memory() { return refused(500, "out of memory", out_of_memory); }

Outcome Desk::failed(const std::exception& error) {
  const auto* const history = dynamic_cast<const storage::DatabaseError*>(&error);
  if (!history)
    return refused(500, "failed", error.what(), fmt::format("the log may say more: `{}`", host::log));
  switch (history->kind()) {
    case storage::DatabaseError::Kind::given_up:
      return refused(503, "too much", "the history has more of this than can be read in 2 s",
                     "ask for less, with since, client or limit");
    case storage::DatabaseError::Kind::damaged:
      return refused(503, "history damaged", fmt::format("state/history.db is damaged: {}", history->what()),
                     "the server moves it aside when it next writes, and begins a new one");
    case storage::DatabaseError::Kind::empty:
    case storage::DatabaseError::Kind::failed:
      break;
  }
  return refused(503, "no history", fmt::format("state/history.db cannot be read: {}", history->what()),
                 "history.days above 0 keeps one; `apdepot doctor`");
}

void Desk::tell(const event::Acted& act) const { events_.emit(act); }

void Desk::tell(event::Acted act, Outcome outcome, http::Respond respond) {
  act.outcome = std::move(outcome.text);
  if (!outcome.subject.empty()) act.subject = std::move(outcome.subject);
  tell(act);
  respond(std::move(outcome.reply));
}

std::string who_asks(const http::Request& request) {
  return request.name.empty() ? "an administrator of this host" : request.name;
}

}  // namespace server
