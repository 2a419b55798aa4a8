#include "server/files/finder.hpp"

#include <system_error>
#include <utility>

#include "conf/settings.hpp"
#include "server/files/library.hpp"
#include "server/loop/client_network.hpp"
#include "server/loop/lanes.hpp"

namespace server {
namespace {

constexpr std::size_t most_components = 16;

bool is_short_of_descriptors(std::error_code error) {
  return error == std::errc::too_many_files_open || error == std::errc::too_many_files_open_in_system;
}

// Not what is withheld or cannot be a path; and deeper than any tree of images no forgiving rule finds
// anything.
bool may_mean_another(const storage::NotFound& missing) {
  return missing.asked && !missing.withheld && missing.asked->components().size() <= most_components;
}

}  // namespace

storage::Asked asked_over(event::Protocol protocol, const conf::Settings& settings, std::string name) {
  storage::Asked asked{std::move(name), storage::AboveRoot::stays, settings.lookup};
  if (protocol != event::Protocol::tftp && protocol != event::Protocol::http) return asked;
  asked.above = storage::AboveRoot::refused;
  asked.settings.uploads = settings.tftp.read_uploads;
  return asked;
}

net::awaitable<std::optional<Finder::Answer>> Finder::find(storage::Asked asked, net::ip::address client,
                                                           std::function<bool()> wanted) {
  const storage::Search search(library_.catalogue, std::move(asked));
  const auto as_asked = [search] { return search.as_asked(); };
  auto found = co_await lanes_.finding.run(client_network(client), as_asked);
  if (found) co_return Answer(std::move(*found));
  if (!wanted()) co_return std::nullopt;
  if (!may_mean_another(found.error()))
    co_return Answer(std::unexpect, search.explain_at_once(found.error()));
  {
    const auto share = meanings_.take(client);
    if (!share) co_return std::nullopt;
    const auto as_meant = [search] { return search.as_meant(); };
    found = co_await lanes_.explaining.run(as_meant);
  }
  if (found) co_return Answer(std::move(*found));
  if (!wanted() || is_short_of_descriptors(found.error().error)) co_return std::nullopt;
  const auto share = explanations_.take(client);
  if (!share) co_return Answer(std::unexpect, search.explain_at_once(found.error()));
  const auto explain = [search, missing = found.error()] { return search.explain(missing); };
  auto miss = co_await lanes_.explaining.run(explain);
  co_return Answer(std::unexpect, std::move(miss));
}

}  // namespace server
