#include "server/doctor/rights.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "conf/settings.hpp"
#include "server/doctor/check.hpp"
#include "server/os/host_text.hpp"
#include "server/os/identity.hpp"
#include "server/text/escape.hpp"
#include "storage/depot/reach.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/root.hpp"
#include "storage/lookup/catalogue.hpp"

namespace server::doctor {
namespace {

constexpr std::size_t most_looked_at = 20'000;

bool is_refused(const std::error_code& error) { return error == std::errc::permission_denied; }

// A folder or an image of images/ that this process may not read.
std::optional<std::string> first_closed(const storage::Depot& depot) {
  const auto root = storage::Root::open(depot.images());
  if (!root) return is_refused(root.error()) ? std::optional(storage::utf8_of(depot.images())) : std::nullopt;
  const storage::Catalogue catalogue(*root);
  const auto place = [&](const storage::Path& path) {
    return storage::utf8_of(depot.images()) + path.text();
  };
  for (const auto& path : catalogue.closed())
    if (const auto opened = root->open_directory(path); !opened && is_refused(opened.error()))
      return place(path);
  std::size_t count = 0;
  for (const auto& shelf : catalogue.shelves())
    for (const auto& file : shelf.files) {
      if (++count > most_looked_at) return {};
      const auto path = shelf.path / file.name;
      if (const auto opened = root->open_file(path); !opened && is_refused(opened.error()))
        return place(path);
    }
  return {};
}

Result run(const Sight& sight) {
  RightsReading reading;
  reading.depot = storage::utf8_of(std::filesystem::absolute(sight.settings->depot).lexically_normal());
  const auto own = own_account();
  const auto owner = server_account(sight.settings->depot);
  reading.asks = sight.root ? "root" : own.name;
  const auto* const service = sight.root ? sight.service.get() : owner ? &*owner : nullptr;
  if (service) reading.service = service->name;
  reading.stays_root = !service || service->is_root();
  reading.is_service = sight.root || (owner && owner->uid == own.uid);
  if (sight.depot) {
    reading.depot = storage::utf8_of(sight.depot->directory());
    if (const auto closed = storage::out_of_reach(sight.depot->directory()))
      reading.closed_folder = storage::utf8_of(*closed);
    reading.closed_image = first_closed(*sight.depot);
  } else {
    std::error_code error;
    reading.no_depot = sight.no_depot;
    reading.missing = !std::filesystem::exists(sight.settings->depot / "images", error) && !error;
  }
  return judge_rights(reading);
}

}  // namespace

Result judge_rights(const RightsReading& reading) {
  Result result;
  const auto depot = escaped(reading.depot, whole);
  const auto give = host::give(reading.stays_root ? "apdepot" : reading.service, depot);
  if (!reading.no_depot.empty()) {
    if (reading.missing) {
      result.fails(reading.no_depot, "apdepot import BUNDLE.zip");
    } else {
      result.unknown(reading.no_depot);
    }
    return result;
  }
  if (!reading.is_service) {
    result.unknown(fmt::format("{} asks, and the server's user is {}: {} can see what it may do",
                               reading.asks, reading.service, host::who_sees_rights));
    return result;
  }
  if (reading.stays_root)
    result.look(fmt::format("{} belongs to root, and the server must not stay root", depot),
                "useradd --system apdepot; " + give);
  const auto& user = reading.stays_root ? reading.asks : reading.service;
  if (reading.closed_folder)
    result.fails(fmt::format("{} may not be read and written by {}, and was made by another user",
                             escaped(*reading.closed_folder, whole), user),
                 give);
  if (reading.closed_image)
    result.fails(fmt::format("{} may not be read by {}", escaped(*reading.closed_image, whole), user),
                 host::let_read(depot + "/images"));
  return std::move(result).or_ok(fmt::format("{} can read and write {}", user, depot));
}

const Check rights_check{"depot-rights", "depot rights", nullptr, run};

}  // namespace server::doctor
