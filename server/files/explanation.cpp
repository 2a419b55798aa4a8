#include "server/files/explanation.hpp"

#include "conf/settings.hpp"
#include "server/events/protocol.hpp"
#include "server/files/finder.hpp"
#include "storage/depot/depot.hpp"
#include "storage/lookup/live_catalogue.hpp"

namespace server {

Explanation explain_read(const conf::Settings& settings, storage::LiveCatalogue& catalogue,
                         const std::string& name, event::Protocol protocol) {
  const storage::Search search(catalogue, asked_over(protocol, settings, name));
  const auto found = search.as_meant();
  if (found) return Served{found->path, found->rule};
  return std::unexpected(search.explain(found.error()));
}

Explanation explain_read(const conf::Settings& settings, const storage::Depot& depot, const std::string& name,
                         event::Protocol protocol) {
  storage::LiveCatalogue catalogue(depot);
  return explain_read(settings, catalogue, name, protocol);
}

}  // namespace server
