#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/import/compared_digest.hpp"
#include "storage/import/digest_file.hpp"
#include "storage/import/dropped_file.hpp"
#include "storage/releases/origin_index.hpp"

namespace storage {

class Depot;

// Digest files in drop/: what belongs to a file that lies there too is used by its import; what comes later
// is compared with what was published. Either way the digest file is taken away once it was used, the very
// one that was read. For a worker.

// Compares what `list` holds with the releases that were imported, and writes down in their manifests whether
// they are verified: each manifest is read and written once, however long the list. A file that it names
// several times matches when all of these digests do. Empty when it is about nothing that was imported: then
// it stays and waits. Throws Rejected when there is no digest in it, std::system_error.
std::vector<ComparedDigest> compare_digests(const Depot& depot, const DroppedFile& list, OriginIndex& index);

// A digest file beside a file in drop/, and all that it holds.
struct DroppedDigests {
  DroppedFile file;
  std::vector<KnownDigest> digests;
};

// Those that the import of drop/NAME, about to begin, heeds. `fault` gets what is wrong with one that has no
// digest in it. One that is still being written is not heeded: it is compared when its own turn comes.
std::vector<DroppedDigests> digests_beside_drop(const Depot& depot, const std::string& name,
                                                std::optional<std::string>& fault);
// What they say of `name`.
std::vector<KnownDigest> digests_of(std::span<const DroppedDigests> files, const std::string& name);

// After it: takes those away but for one that is also about a file that still lies in drop/. Those of a
// rejected file follow it to rejected/, as long as that holds fewer than `most_rejected` files.
enum class Fate { published, rejected };
void take_away(const Depot& depot, const std::vector<DroppedDigests>& files, const std::string& name,
               Fate fate, std::size_t most_rejected);

}  // namespace storage
