#include "server/doctor/devices.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "conf/families.hpp"
#include "conf/settings.hpp"
#include "server/doctor/check.hpp"
#include "server/doctor/kept.hpp"
#include "server/text/escape.hpp"
#include "server/text/time.hpp"
#include "storage/files/root.hpp"
#include "storage/images/image_name.hpp"
#include "storage/releases/releases.hpp"

namespace server::doctor {
namespace {

using storage::Release;

constexpr std::size_t most_told = 5;
constexpr std::int64_t second = 1000;  // in milliseconds
constexpr std::int64_t hour = 3600 * second;

std::int64_t time_of(const std::string& rfc3339) {
  constexpr std::size_t to_the_second = 19;
  return second * seconds_of(std::string_view(rfc3339).substr(0, to_the_second)).value_or(0);
}

// Which release of each product devices should have: the promoted one, else the newest.
std::map<std::string, const Release*> wanted_releases(const std::vector<Release>& releases) {
  std::map<std::string, const Release*> wanted;
  for (const auto& release : releases) {
    auto& chosen = wanted[release.path.parent().text()];
    if (!chosen || !chosen->current) chosen = &release;
  }
  return wanted;
}

std::vector<Fetched> fetched_below(storage::HistoryQueries& history, const std::string& product,
                                   const std::map<std::string, std::int64_t>& heard) {
  storage::HistoryFilter filter;
  filter.folder = product;
  filter.limit = most_rows;
  std::vector<Fetched> fetched;
  for (const auto& holding : history.holdings(filter)) {
    const auto slash = holding.file.rfind('/');
    if (slash == holding.file.npos || slash <= product.size()) continue;
    const auto last = heard.find(holding.client);
    fetched.push_back({holding.client, holding.file.substr(0, slash), holding.file.substr(slash + 1),
                       last == heard.end() ? holding.last_at : std::max(last->second, holding.last_at)});
  }
  return fetched;
}

std::vector<ProductReading> read_products(const storage::Depot& depot, storage::HistoryQueries& history) {
  const storage::Root images(depot.images());
  std::vector<std::string> ignored;
  const auto releases = storage::releases_in(depot, storage::Catalogue(images), ignored);
  std::map<std::string, std::int64_t> heard;
  for (const auto& device : history.seen({}, most_rows)) heard[device.address] = device.last_at;
  std::vector<ProductReading> products;
  for (const auto& [product, release] : wanted_releases(releases)) {
    if (product == "/") continue;  // releases that lie side by side with others' folders have no product
    ProductReading reading;
    reading.release = release->path.text();
    for (const auto& image : release->images) reading.images.push_back(image.name);
    if (release->imported_at) reading.imported_at = time_of(*release->imported_at);
    reading.fetched = fetched_below(history, product, heard);
    products.push_back(std::move(reading));
  }
  return products;
}

Result look_at(const Sight& sight, Result (*judge)(const std::vector<ProductReading>&)) {
  if (sight.settings->history.days == 0) return not_seen("the history is switched off: history.days is 0");
  auto history = open_history(*sight.depot);
  if (!history) return all_well("no device has fetched anything yet");
  return judge(read_products(*sight.depot, *history));
}

Result run_families(const Sight& sight) { return look_at(sight, judge_families); }

Result run_never_seen(const Sight& sight) {
  return look_at(sight, [](const std::vector<ProductReading>& products) {
    return judge_never_seen(products, milliseconds_ago(std::chrono::seconds(0)));
  });
}

std::string models_of(const std::string& image) {
  for (const auto& family : conf::families())
    if (family.name == image) return fmt::format(" ({})", family.text());
  return {};
}

std::string and_more(std::size_t count) { return count > 1 ? fmt::format(" and {} more", count - 1) : ""; }

}  // namespace

Result judge_families(const std::vector<ProductReading>& products) {
  Result result;
  std::size_t seen = 0;
  for (const auto& product : products) {
    std::map<std::string, std::set<std::string>> missing;  // image, and who fetched it
    std::map<std::string, std::string> from;
    for (const auto& each : product.fetched) {
      if (!storage::is_image_family(each.image)) continue;
      ++seen;
      if (std::ranges::find(product.images, each.image) != product.images.end()) continue;
      missing[each.image].insert(each.client);
      from[each.image] = each.release;
    }
    for (const auto& [image, clients] : missing)
      result.look(
          fmt::format("{} has no {}{}, which {}{} fetched of {}", escaped(product.release, whole), image,
                      models_of(image), *clients.begin(), and_more(clients.size()), from[image]),
          fmt::format("apdepot import the bundle of {} that has {}; `apdepot releases --models` lists who "
                      "has it",
                      escaped(product.release, whole), image));
  }
  return std::move(result).or_ok(
      seen == 0 ? "no access point has fetched an image yet"
                : "each family that access points have fetched is in the newest release");
}

Result judge_never_seen(const std::vector<ProductReading>& products, std::int64_t now) {
  Result result;
  for (const auto& product : products) {
    if (product.imported_at == 0 || now - product.imported_at < hour) continue;
    std::map<std::string, std::string> silent;  // client, and an image that it fetches
    for (const auto& each : product.fetched)
      if (each.release != product.release && each.last_at < product.imported_at)
        silent[each.client] = each.image;
    for (const auto& each : product.fetched)
      if (each.release == product.release) silent.erase(each.client);
    if (silent.empty()) continue;
    std::vector<std::string> names;
    for (const auto& [client, image] : silent)
      if (names.size() < most_told) names.push_back(client);
    const auto path = escaped(product.release, whole), image = silent.begin()->second;
    result.look(
        fmt::format(
            "{}{} fetched an older release, and have asked for nothing since {} was imported",
            fmt::join(names, ", "),
            silent.size() > names.size() ? fmt::format(" and {} more", silent.size() - names.size()) : "",
            path),
        fmt::format("`apdepot probe tftp://ADDRESS{}/{}` from their network, with this server's address",
                    path, image));
  }
  return std::move(result).or_ok("each device that fetched before has asked again since the last import");
}

const Check families_check{"families", "families", nullptr, run_families, true};
const Check never_seen_check{"never-seen", "never seen", nullptr, run_never_seen, true};

}  // namespace server::doctor
