#include "server/diagnosis/requests_seen.hpp"

#include "server/events/event.hpp"
#include "server/events/http.hpp"
#include "server/events/ssh.hpp"
#include "server/events/tftp.hpp"
#include "server/events/transfer.hpp"
#include "server/text/ending_text.hpp"

namespace server {
namespace {

using Stage = SeenRequest::Stage;
constexpr std::size_t most_of_name = 512;

std::string_view file_name(std::string_view path) {
  const auto slash = path.find_last_of("/\\");
  return slash == path.npos ? path : path.substr(slash + 1);
}

Stage stage_of(const event::TransferEnded& e) {
  return outcome_of(e) == "broke_off" ? Stage::broke_off : Stage::fetched;
}

}  // namespace

void RequestsSeen::note(const Event& event, Clock::time_point now) {
  if (const auto* asked = event.get_if<event::TftpRequested>()) {
    take(asked->client, asked->name, Stage::asked, now);
  } else if (const auto* began = event.get_if<event::TransferBegan>()) {
    take(began->client, began->asked, Stage::began, now);
  } else if (const auto* ended = event.get_if<event::TransferEnded>()) {
    take(ended->client, ended->asked, stage_of(*ended), now);
  } else if (const auto* missed = event.get_if<event::Missed>()) {
    take(missed->client, missed->asked, Stage::missed, now);
  } else if (const auto* limited = event.get_if<event::TftpLimited>()) {
    take(limited->client, limited->name, Stage::refused, now);
  } else if (const auto* over_limit = event.get_if<event::HttpLimited>()) {
    take(over_limit->client, over_limit->name, Stage::refused, now);
  } else if (const auto* dropped = event.get_if<event::SshDropped>()) {
    take(dropped->client, {}, Stage::refused, now);
  } else if (const auto* mismatched = event.get_if<event::SshMismatched>()) {
    take(mismatched->client, {}, Stage::refused, now);
  } else if (const auto* failed = event.get_if<event::LoginFailed>()) {
    take(failed->client, {}, Stage::refused, now);
  } else if (const auto* negotiated = event.get_if<event::SshNegotiated>()) {
    take(negotiated->client, {}, Stage::knocked, now);
  }
}

void RequestsSeen::take(const std::string& client, std::string_view asked, Stage stage,
                        Clock::time_point now) {
  if (const auto known = places_.find(client); known != places_.end()) {
    requests_.splice(requests_.begin(), requests_, known->second);
  } else {
    if (requests_.size() >= most_clients) {
      places_.erase(requests_.back().client);
      requests_.pop_back();
    }
    requests_.push_front({});
    places_[client] = requests_.begin();
  }
  requests_.front() = {client, std::string(asked.substr(0, most_of_name)), stage, now};
}

std::optional<SeenRequest> RequestsSeen::of(const std::string& client, Clock::time_point now) const {
  const auto found = places_.find(client);
  if (found == places_.end() || now - found->second->at > period) return {};
  return *found->second;
}

std::optional<SeenRequest> RequestsSeen::for_file(std::string_view name, Clock::time_point now) const {
  const auto wanted = file_name(name);
  if (wanted.empty()) return {};
  for (const auto& seen : requests_) {
    if (now - seen.at > period) break;
    if (file_name(seen.asked) == wanted) return seen;
  }
  return {};
}

}  // namespace server
