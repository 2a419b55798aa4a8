#include "server/http/image_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <tuple>

#include "protocols/http/target.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"
#include "server/text/time.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/root.hpp"
#include "storage/files/uploads_folder.hpp"

namespace server::http {
namespace {

constexpr std::size_t portion = 256;

std::string time_text(std::int64_t seconds) {
  return utc(std::chrono::system_clock::time_point(std::chrono::seconds(seconds)));
}

// A text of others in HTML: as the log shows it, and no markup.
std::string html_text(std::string_view hostile) {
  std::string out;
  for (const char c : escaped(hostile, whole)) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string url_of(const storage::Path& folder, const ImageList::Name& name) {
  const auto base = folder.is_root() ? "" : folder.text();
  return protocols::http::encoded_path(base + "/" + name.name) + (name.folder ? "/" : "");
}

// What a link leads to.
std::optional<ImageList::Name> name_of(const storage::Root& root, const storage::Path& folder,
                                       const storage::Entry& entry) {
  if (!storage::Path::is_component(entry.name)) return {};
  auto attributes = entry.attributes;
  if (attributes.kind == storage::Kind::link) {
    const auto target = root.attributes(folder / entry.name);
    if (!target) return {};
    attributes = *target;
  }
  const bool is_folder = attributes.kind == storage::Kind::directory;
  if (!is_folder && attributes.kind != storage::Kind::file) return {};
  return ImageList::Name{entry.name, is_folder, is_folder ? 0 : attributes.size, attributes.modified};
}

}  // namespace

std::optional<ImageList> names_in(const storage::Depot& depot, const storage::Path& folder, bool uploads) {
  const auto root = storage::Root::open(depot.images());
  if (root && !uploads && storage::is_in_uploads(*root, folder)) return {};
  auto directory = root ? root->open_directory(folder) : std::unexpected(root.error());
  if (!directory) return {};
  ImageList list{folder, {}, false};
  for (;;) {
    const auto entries = directory->read(portion);
    if (!entries || entries->empty()) break;
    for (const auto& entry : *entries) {
      auto name = name_of(*root, folder, entry);
      if (!name || (!uploads && name->folder && name->name == storage::uploads_name)) continue;
      list.cut = list.names.size() >= ImageList::most;
      if (!list.cut) list.names.push_back(std::move(*name));
    }
    if (list.cut) break;
  }
  std::ranges::sort(list.names, {}, [](const auto& each) { return std::tuple(!each.folder, each.name); });
  return list;
}

std::string html_of(const ImageList& list) {
  const auto title = html_text(list.folder.text());
  std::string rows;
  if (!list.folder.is_root()) {
    const auto up = protocols::http::encoded_path(list.folder.parent().text());
    rows += fmt::format("<tr><td><a href=\"{}\">..</a></td><td></td><td></td></tr>\n",
                        up.ends_with('/') ? up : up + "/");
  }
  for (const auto& name : list.names)
    rows += fmt::format("<tr><td><a href=\"{}\">{}{}</a></td><td>{}</td><td>{}</td></tr>\n",
                        url_of(list.folder, name), html_text(name.name), name.folder ? "/" : "",
                        name.folder ? "" : fmt::format("{}", name.size), time_text(name.modified));
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title></head><body>\n"
      "<h1>{0}</h1>\n<table>\n<thead><tr><th>Name</th><th>Bytes</th><th>Changed</th></tr></thead>\n"
      "<tbody>\n{1}</tbody></table>\n{2}</body></html>\n",
      title, rows, list.cut ? "<p>There are more names than are shown.</p>\n" : "");
}

std::string json_of(const ImageList& list) {
  std::string items;
  for (const auto& name : list.names) {
    JsonObject object;
    object.add("name", name.name, whole);
    object.add("folder", name.folder);
    if (!name.folder) object.add("size", name.size);
    object.add_safe("modified", time_text(name.modified));
    items.append(items.empty() ? "" : ",\n").append(object.text());
  }
  JsonObject object;
  object.add("path", list.folder.text(), whole);
  object.add_raw("items", "[" + items + "]");
  object.add("cut", list.cut);
  return object.text() + "\n";
}

}  // namespace server::http
