#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/lookup/archived.hpp"
#include "storage/lookup/shelf.hpp"

namespace storage {

class Directory;
class Root;

// What lies below a root, as one scan found it, with indexes for the questions that lookups ask: none of them
// looks at every release. The file system stays the truth: who finds a file here still opens it there.
// Unchanging, so safe from any thread; the shelves that it names are its own.
class Catalogue {
 public:
  using Shelves = std::vector<const Shelf*>;  // in the order of their paths
  using Visit = std::function<void(const Directory&)>;

  // Scans, which is bounded, and may wait for the disk. `rejected` is the folder rejected/, where there is
  // one. `visit` is called with each directory before it is read.
  explicit Catalogue(const Root& root, const Root* rejected = nullptr, const Visit& visit = {});
  Catalogue() = default;  // of nothing
  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;

  std::span<const Shelf> shelves() const { return shelves_; }
  std::span<const Archived> archives() const { return archives_; }
  // What looks like a folder or a file and cannot be entered: it is closed, or a link that leads nowhere.
  std::span<const Path> closed() const { return closed_; }
  const Shelf* shelf(const Path& path) const;

  // Shelves whose path differs from `path` only by case and look-alikes, if at all.
  Shelves like(const Path& path) const;
  // Shelves with a file whose name differs from `name` only by case and look-alikes, if at all.
  Shelves holding(std::string_view name) const;
  // Shelves whose path has a version of the same release number, whatever letter and build; links left out.
  Shelves numbered(const Version& version) const;
  // Whether some shelf's own name ends in that version.
  bool has(const Version& version) const { return versions_.contains(version); }
  // The directories right below the root that hold shelves, folded.
  const std::set<std::string>& tops() const { return tops_; }

 private:
  using Index = std::unordered_map<std::string, std::vector<std::uint32_t>>;
  void add(std::uint32_t number);
  Shelves at(const std::vector<std::uint32_t>* numbers) const;

  std::vector<Shelf> shelves_;
  std::vector<Archived> archives_;
  std::vector<Path> closed_;
  Index by_path_, by_file_;
  std::map<std::vector<std::uint32_t>, std::vector<std::uint32_t>> by_number_;
  std::set<Version> versions_;
  std::set<std::string> tops_;
};

// No path of a shelf has more components.
constexpr std::size_t deepest_shelf = 4;

}  // namespace storage
