#include "server/api/devices.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "conf/settings.hpp"
#include "server/api/history.hpp"
#include "server/api/inventory.hpp"
#include "server/api/query.hpp"
#include "server/events/process.hpp"
#include "server/files/library.hpp"
#include "server/loop/live_settings.hpp"
#include "server/text/history_json.hpp"
#include "server/text/json.hpp"
#include "server/text/json_reader.hpp"
#include "server/text/time.hpp"

namespace server {
namespace {

namespace record = storage::record;
using http::Reply;
using http::Role;

constexpr std::size_t usual_rows = 100, most_rows = 1000;
constexpr std::size_t most_counted = 1000;       // of a device's newest transfers
constexpr std::size_t most_of_one = 50;          // rows of a kind in the answer about one device
constexpr std::size_t most_changes_told = 1000;  // in the answer to an inventory
constexpr auto not_kept =
    "no history is kept that could hold it: history.days is 0, or the disk is too slow; `apdepot doctor` "
    "says more";

std::string text_or_null(const std::string& safe) { return safe.empty() ? "null" : json_string(safe); }
std::string time_or_null(const std::optional<std::int64_t>& time) {
  return time ? json_string(utc_of(*time)) : "null";
}

JsonObject object_of(const Device& device, std::size_t running) {
  JsonObject object;
  object.add_raw("address", text_or_null(device.address));
  object.add_raw("name", text_or_null(device.name()));
  object.add_raw("model", text_or_null(device.model()));
  object.add_raw("site", text_or_null(device.site()));
  object.add_safe("kind", word(kind_of(device)));
  object.add("expected", device.is_expected());
  object.add_raw("first_at", time_or_null(device.first_at));
  object.add_raw("last_at", time_or_null(device.last_at));
  const auto newest = std::ranges::max_element(device.holdings, {}, &record::Holding::last_at);
  const bool none = newest == device.holdings.end();
  object.add_raw("last_fetched", none ? "null" : json_string(newest->file));
  object.add_raw("last_fetched_at", none ? "null" : json_string(utc_of(newest->last_at)));
  object.add("running", running);
  return object;
}

// What takes a question for each device: for the rows of one page.
void add_counts(JsonObject& object, storage::HistoryQueries& history, const Device& device) {
  auto outcomes = device.address.empty() ? std::map<std::string, std::int64_t>()
                                         : history.outcomes_of(device.address, most_counted);
  std::int64_t misses = 0;
  if (!device.address.empty())
    for (const auto& miss : history.misses({.client = device.address, .limit = most_counted}))
      misses += miss.count;
  object.add("whole", outcomes["whole"]);
  object.add("broke_off", outcomes["broke_off"]);
  object.add("misses", misses);
}

std::size_t running_of(const RunningReads::Reads& reads, const std::string& address) {
  return static_cast<std::size_t>(std::ranges::count(reads, address, &RunningRead::client));
}

template <class Rows>
std::string json_rows(const Rows& rows) {
  std::vector<std::string> values;
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) values.push_back(json_of(*row));
  return json_list(values);
}

std::string json_of(const RunningRead& read) {
  JsonObject object;
  object.add_safe("path", read.file);
  object.add("bytes", read.bytes);
  object.add_raw("size", read.size ? fmt::format("{}", *read.size) : "null");
  object.add("stalled", read.stalled);
  object.add_safe("protocol", read.protocol);
  return object.text();
}

std::string reported_json(const std::optional<record::Described>& said) {
  if (!said || !said->listed_at) return "null";
  JsonObject object;
  object.add_safe("at", utc_of(*said->listed_at));
  object.add_raw("image", text_or_null(said->image));
  object.add_raw("running", text_or_null(said->running));
  object.add_raw("backup", text_or_null(said->backup));
  object.add_raw("predownload", text_or_null(said->predownload));
  return object.text();
}

Reply about_one(storage::HistoryQueries& history, Device device, const RunningReads::Reads& reads) {
  const storage::HistoryFilter of_it{.client = device.address, .limit = most_of_one};
  device.holdings = history.holdings({.client = device.address, .limit = most_counted});
  auto object = object_of(device, running_of(reads, device.address));
  add_counts(object, history, device);
  object.add_raw("reported", reported_json(device.said));
  object.add_raw("holdings", json_rows(device.holdings));
  std::vector<std::string> running;
  for (const auto& each : reads)
    if (each.client == device.address && running.size() < most_of_one) running.push_back(json_of(each));
  object.add_raw("transfers", json_list(running));
  object.add_raw("ended", json_rows(history.transfers(of_it)));
  object.add_raw("missed", json_rows(history.misses(of_it)));
  return {.body = object.text() + "\n"};
}

// What a person may say of a device: {"name": "...", "site": null}. A sentence, where that is not understood.
std::string read_change(const std::string& body, record::Described& device) {
  YAML::Node node;
  try {
    node = read_object(body, "the request");
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  for (const auto& each : node) {
    const auto key = each.first.as<std::string>("");
    auto* const to = key == "name"    ? &device.name
                     : key == "site"  ? &device.site
                     : key == "model" ? &device.model
                     : key == "kind"  ? &device.kind
                                      : nullptr;
    if (!to)
      return fmt::format("{} is not a member that can be changed: name, site, kind and model can",
                         escaped(key));
    if (!each.second.IsNull() && !each.second.IsScalar()) return fmt::format("{} is not a text", key);
    *to = each.second.IsNull() ? "" : kept_text(each.second.as<std::string>(""));
  }
  if (device.kind.empty() || device_kind(device.kind)) return "";
  return fmt::format("{} is not a kind: access point, controller, shared address and unknown are",
                     device.kind);
}

std::string to_json(const Told& told) {
  JsonObject object;
  object.add_raw("name", text_or_null(told.device.name));
  object.add_raw("address", text_or_null(told.device.address));
  object.add("new", told.is_new);
  object.add_raw("members", json_texts(told.members));
  return object.text();
}

// What came of a list, and what is to be kept of it.
struct Understood {
  Outcome outcome;
  std::vector<record::Described> rows;
};

Understood understood(const ListedDevices& listed, const std::vector<record::Described>& known,
                      bool dry_run) {
  std::vector<std::string> changed, unknown;
  Understood result;
  std::size_t changes = 0;
  for (auto& told : told_by(listed.devices, known, milliseconds_now())) {
    if (told.is_new || !told.members.empty()) {
      ++changes;
      if (changed.size() < most_changes_told) changed.push_back(to_json(told));
    }
    result.rows.push_back(std::move(told.device));
  }
  for (const auto& line : listed.unknown) unknown.push_back(json_string(escaped(line)));
  JsonObject object;
  object.add("dry_run", dry_run);
  object.add("understood", listed.devices.size());
  object.add("unknown", listed.unknown_lines);
  object.add_raw("unknown_lines", json_list(unknown));
  object.add("changes", changes);
  object.add_raw("changed", json_list(changed));
  result.outcome.reply = {.body = object.text() + "\n"};
  return result;
}

}  // namespace

std::string device_json(const Device& device, std::size_t running) {
  return object_of(device, running).text();
}

bool is_about(const Device& device, const std::string& wanted) {
  const auto has = [&](const std::string& text) {
    return !std::ranges::search(text, wanted, [](unsigned char a, unsigned char b) {
              return std::tolower(a) == std::tolower(b);
            }).empty();
  };
  return has(device.address) || has(device.name()) || has(device.model()) || has(device.site());
}

void sort_devices(std::vector<Device>& devices) {
  std::ranges::stable_sort(devices, {}, [](const Device& device) {
    return std::tuple(!(device.is_expected() && !device.last_at), -device.last_at.value_or(0),
                      device.address);
  });
}

void DevicesApi::offer(http::Router& router) {
  const http::Doors doors{http::Door::control, http::Door::page};
  router.add({"GET", "/api/v1/devices", Role::viewer, false, doors,
              [this](const http::Request& request, const std::string&, http::Respond respond) {
                list(request, std::move(respond));
              }});
  router.add({"GET", "/api/v1/devices/{}", Role::viewer, false, doors,
              [this](const http::Request& request, const std::string& address, http::Respond respond) {
                one(request, address, std::move(respond));
              }});
  router.add({"PATCH", "/api/v1/devices/{}", Role::admin, true, doors,
              [this](const http::Request& request, const std::string& address, http::Respond respond) {
                change(request, address, std::move(respond));
              }});
  router.add({"POST", "/api/v1/inventory", Role::admin, true, doors,
              [this](const http::Request& request, const std::string&, http::Respond respond) {
                take_inventory(request, std::move(respond));
              }});
}

void DevicesApi::list(const http::Request& request, http::Respond respond) {
  Query query(request.query, {"kind", "site", "q", "limit", "after"});
  const auto kind = query.text("kind");
  if (kind && !device_kind(*kind))
    query.refuse("kind: it is access point, controller, shared address or unknown");
  const auto limit = query.number("limit", usual_rows, 1, most_rows);
  const auto after = query.number("after", 0, 0, most_devices_read * 2);
  if (!query.fault().empty()) return respond(http::safe_problem(400, "bad request", query.fault()));
  struct Wanted {
    std::filesystem::path file;
    std::shared_ptr<const conf::Settings> settings;
    std::shared_ptr<const Said::Rows> fresh;
    std::optional<std::string> kind, site, text;
    std::uint64_t limit, after;
    std::shared_ptr<const RunningReads::Reads> reads = {};

    Reply answer() const {
      auto history = open_history(file);
      auto devices = read_fleet(history, *fresh, settings->expected);
      std::erase_if(devices, [&](const Device& device) {
        return (kind && word(kind_of(device)) != *kind) || (site && device.site() != *site) ||
               (text && !is_about(device, *text));
      });
      sort_devices(devices);
      std::string items;
      const auto end = std::min<std::uint64_t>(after + limit, devices.size());
      for (auto i = after; i < end; ++i) {
        auto object = object_of(devices[i], running_of(*reads, devices[i].address));
        add_counts(object, history, devices[i]);
        items.append(items.empty() ? "" : ",\n").append(object.text());
      }
      return {.body = fmt::format("{{\"items\":[{}],\"next\":{},\"total\":{}}}\n", items,
                                  end < devices.size() ? fmt::format("{}", end) : "null", devices.size())};
    }
  };
  Wanted wanted{sources_.library.depot.history(),
                sources_.settings.now(),
                said_.fresh(Said::Clock::now()),
                kind,
                query.text("site"),
                query.text("q"),
                limit,
                after};
  reads_.collect([this, asker = asker_of(request), wanted = std::move(wanted),
                  respond = std::move(respond)](auto reads) mutable {
    wanted.reads = std::move(reads);
    desk_.answer(asker, std::move(respond), [wanted = std::move(wanted)] { return wanted.answer(); });
  });
}

void DevicesApi::one(const http::Request& request, const std::string& address, http::Respond respond) {
  const auto file = sources_.library.depot.history();
  const auto settings = sources_.settings.now();
  const auto fresh = said_.fresh(Said::Clock::now());
  reads_.collect([this, asker = asker_of(request), file, settings, fresh, address,
                  respond = std::move(respond)](auto reads) mutable {
    desk_.answer(asker, std::move(respond), [file, settings, fresh, address, reads = std::move(reads)] {
      const auto wanted = kept_address(address);
      if (wanted) {
        auto history = open_history(file);
        const auto seen = history.seen(*wanted, 1);
        auto said = with_fresh(history.described(), *fresh);
        std::erase_if(said, [&](const auto& each) { return each.key != *wanted; });
        const bool runs = running_of(*reads, *wanted) > 0;
        for (auto& device : fleet_of(seen, said, {}, settings->expected))
          if (device.address == *wanted) return about_one(history, std::move(device), *reads);
        if (runs) return about_one(history, Device{*wanted, {}, {}, {}, {}, false}, *reads);
      }
      return http::problem(404, "not found", fmt::format("{} never asked for anything here", address),
                           "`apdepot doctor`, then a ping from the device");
    });
  });
}

// `work` returns what is to be kept, and the answer where it is. What is kept is in the next answer already.
template <class Work>
void DevicesApi::say(const http::Request& request, http::Respond respond, event::Acted act, Work work) {
  desk_.ask(
      asker_of(request), std::move(respond),
      [work = std::move(work)]() -> Understood {
        try {
          return work();
        } catch (const std::exception& e) {
          return {Desk::failed(e), {}};
        }
      },
      [this, act = std::move(act)](std::optional<Understood> result, http::Respond to) mutable {
        if (!result) result = Understood{Desk::failed_for_memory(), {}};
        if (!result->rows.empty() && !said_.say(std::move(result->rows), Said::Clock::now()))
          result->outcome = refused(503, "not kept", not_kept);
        desk_.tell(std::move(act), std::move(result->outcome), std::move(to));
      });
}

void DevicesApi::change(const http::Request& request, const std::string& address, http::Respond respond) {
  const auto file = sources_.library.depot.history();
  const auto fresh = said_.fresh(Said::Clock::now());
  say(request, std::move(respond), {who_asks(request), "change device", address, {}},
      [file, fresh, address, body = request.body]() -> Understood {
        const auto wanted = kept_address(address);
        if (!wanted)
          return {refused(400, "bad request", fmt::format("{} is not an IP address", address)), {}};
        auto known = with_fresh(open_history(file).described(), *fresh);
        const auto found = std::ranges::find(known, *wanted, &record::Described::key);
        record::Described device;
        if (found != known.end()) device = *found;
        device.key = device.address = *wanted;
        device.at = milliseconds_now();
        if (auto fault = read_change(body, device); !fault.empty())
          return {refused(400, "bad request", fault), {}};
        JsonObject object;
        object.add_safe("address", device.address);
        object.add_raw("name", text_or_null(device.name));
        object.add_raw("model", text_or_null(device.model));
        object.add_raw("site", text_or_null(device.site));
        object.add_raw("kind", text_or_null(device.kind));
        return {{{.body = object.text() + "\n"}}, {device}};
      });
}

void DevicesApi::take_inventory(const http::Request& request, http::Respond respond) {
  Query query(request.query, {"dry_run"});
  const bool dry_run = query.flag("dry_run");
  if (!query.fault().empty()) return respond(http::safe_problem(400, "bad request", query.fault()));
  const bool csv = request.content_type == "text/csv";
  if (!csv && request.content_type != "text/plain")
    return respond(
        http::problem(415, "unsupported type", "an inventory is text/plain, or text/csv",
                      "paste `show ap summary` and `show ap image`, or send a list whose first line names "
                      "its columns: name,address,model,site,kind"));
  const auto file = sources_.library.depot.history();
  const auto fresh = said_.fresh(Said::Clock::now());
  const auto read = [file, fresh, csv, body = request.body, dry_run] {
    auto known = with_fresh(open_history(file).described(), *fresh);
    return understood(csv ? read_device_list(body) : read_controller_tables(body), known, dry_run);
  };
  if (dry_run)
    return desk_.answer(asker_of(request), std::move(respond), [read] { return read().outcome.reply; });
  say(request, std::move(respond),
      {who_asks(request), "take inventory", csv ? "a list" : "a controller's tables", {}}, read);
}

}  // namespace server
