#pragma once
#include <expected>
#include <optional>
#include <string>
#include <utility>

#include "storage/files/path.hpp"
#include "storage/files/root.hpp"
#include "storage/lookup/lookup.hpp"
#include "storage/lookup/miss.hpp"

namespace storage {

class LiveCatalogue;

// A name that a client asks for, and how it is read.
struct Asked {
  std::string name;  // as the client wrote it: hostile
  AboveRoot above = AboveRoot::refused;
  LookupSettings settings = {};
};

// The search for one image: the file of that name first, then what was plainly meant, then why there is
// nothing. Holds all that it needs, so that a worker may take a copy along; the catalogue must outlive it.
// Every call may wait for the disk.
class Search {
 public:
  // Of all images. Their folder is opened at each call: an administrator may have put another in its place.
  Search(LiveCatalogue& catalogue, Asked asked) : catalogue_(catalogue), asked_(std::move(asked)) {}
  // Of the folder of them that a user sees as "/", which is open as `root`, and must outlive it.
  Search(LiveCatalogue& catalogue, Asked asked, const Root& root, Path folder)
      : catalogue_(catalogue), asked_(std::move(asked)), root_(&root), folder_(std::move(folder)) {}

  const std::string& name() const { return asked_.name; }

  // By the name as it is written, and by the aliases.
  std::expected<Found, NotFound> as_asked() const;
  // What was plainly meant, too. May scan all images.
  std::expected<Found, NotFound> as_meant() const;
  // Why neither found anything. Costs more than either.
  Miss explain(const NotFound& missing) const;
  // What can be said without a look at the disk.
  Miss explain_at_once(const NotFound& missing) const;

 private:
  std::optional<Miss> found_by_others(const NotFound& missing) const;
  template <class Look>
  std::expected<Found, NotFound> look(Look how) const;

  LiveCatalogue& catalogue_;
  Asked asked_;
  const Root* root_ = nullptr;
  Path folder_ = {};
};

}  // namespace storage
