// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

// Records of MODULE_STRTAB, of GLOBALVAL_SUMMARY where a record is not only
// copied, and of STRTAB.
const (
	strtabBlock = 23

	moduleEntry     = 1 // MST_CODE_ENTRY: [modid, namechar x N]
	moduleEntryHash = 2 // MST_CODE_HASH: [5*i32], of the entry before
	stringBlob      = 1 // STRTAB_BLOB

	summaryVersion    = 10
	summaryValueGUID  = 16
	summaryDefs       = 17
	summaryDecls      = 18
	summaryBlockCount = 24
	summaryStackIDs   = 30
	summaryRadixArray = 32

	maxSummaryCode = 33
)

// Tried are the major versions of LLVM with which the canonical form was tried: the
// tests compile every module of programs that have between them nearly all records,
// from the linker's shards and from canonical ones, and the objects are the same
// byte for byte. Other versions whose summaries look the same are trusted to be.
var Tried = [...]int{13, 14, 15, 16, 19, 22}

// summaryRecords are the records that LLVM's IndexBitcodeWriter writes for a
// distributed backend, by the versions of the summary (FS_VERSION, which is
// ModuleSummaryIndex::BitcodeSummaryVersion) that have them in this form:
//
//	 9  LLVM 13 to 18
//	10  LLVM 19
//	11  between 19 and 20, in no release
//	12  LLVM 20 to 22
//
// A row can be held against
//
//   - LLVMBitCodes.h, enum GlobalValueSummarySymtabCodes: the codes and, in their
//     comments, the operands;
//   - BitcodeWriter.cpp, IndexBitcodeWriter::writeCombinedGlobalValueSummary and
//     what it calls: writeFunctionTypeMetadataRecords,
//     writeFunctionHeapProfileRecords, writeTypeIdSummaryRecord,
//     writeWholeProgramDevirtResolution(ByArg);
//   - BitcodeReader.cpp, ModuleSummaryIndexBitcodeReader::parseEntireSummary and
//     what it calls: parseParamAccesses, parseAllocInfoContext,
//     parseTypeIdSummaryRecord, parseWholeProgramDevirtResolution(ByArg).
//
// A record that has no row for its version, or more or fewer operands than its
// row says, is not understood. FS_ALLOC_CONTEXT_IDS (31) has no row: a combined
// summary has no context sizes (WriteContextSizeInfoIndex is false).
var summaryRecords = []layout{
	{10, "VERSION", 9, 12, inHead, []field{num("version")}},
	{20, "FLAGS", 9, 12, inHead, []field{num("flags")}},
	{16, "VALUE_GUID", 9, 10, isDefinition, []field{value("valueid"), wide("guid")}},
	{16, "VALUE_GUID", 11, 12, isDefinition, []field{value("valueid"), halves("guid")}},

	// Stack ids since LLVM 16. The radix array is there if an ALLOC_INFO has
	// contexts; the reader takes those for indices into it if it is not empty and
	// for lists of stack indices otherwise.
	{30, "STACK_IDS", 9, 11, inHead, []field{rest(wide("stackid"))}},
	{30, "STACK_IDS", 12, 12, inHead, []field{rest(halves("stackid"))}},
	{32, "CONTEXT_RADIX_TREE_ARRAY", 11, 12, inHead, []field{rest(num("entry"))}},

	// LLVM 18 stopped writing COMBINED.
	{4, "COMBINED", 9, 9, isFunction, []field{
		value("valueid"), modid(), num("flags"), num("instcount"), num("fflags"), num("entrycount"),
		count("numrefs"), num("rorefcnt"), num("worefcnt"),
		times("numrefs", value("valueid")), rest(value("callee")),
	}},
	{5, "COMBINED_PROFILE", 9, 12, isFunction, []field{
		value("valueid"), modid(), num("flags"), num("instcount"), num("fflags"), num("entrycount"),
		count("numrefs"), num("rorefcnt"), num("worefcnt"),
		times("numrefs", value("valueid")), rest(value("callee"), num("hotness+tailcall")),
	}},
	{6, "COMBINED_GLOBALVAR_INIT_REFS", 9, 12, isVariable, []field{
		value("valueid"), modid(), num("flags"), num("varflags"), rest(value("valueid")),
	}},
	// The aliasee is 0 in LLVM 21 and newer if the alias is imported and the
	// aliasee's summary is not in the index.
	{8, "COMBINED_ALIAS", 9, 11, isAlias, []field{value("valueid"), modid(), num("flags"), value("aliasee")}},
	{8, "COMBINED_ALIAS", 12, 12, isAlias, []field{value("valueid"), modid(), num("flags"), optValue("aliasee")}},
	// Of locals, for a distributed backend in LLVM 13 only.
	{9, "COMBINED_ORIGINAL_NAME", 9, 9, isTrailer, []field{num("guid")}},

	// Type metadata of the next function. Type ids are GUIDs here.
	{11, "TYPE_TESTS", 9, 12, isAttached, []field{rest(num("typeid"))}},
	{12, "TYPE_TEST_ASSUME_VCALLS", 9, 12, isAttached, []field{rest(num("typeid"), num("offset"))}},
	{13, "TYPE_CHECKED_LOAD_VCALLS", 9, 12, isAttached, []field{rest(num("typeid"), num("offset"))}},
	{14, "TYPE_TEST_ASSUME_CONST_VCALL", 9, 12, isAttached, []field{num("typeid"), num("offset"), rest(num("arg"))}},
	{15, "TYPE_CHECKED_LOAD_CONST_VCALL", 9, 12, isAttached, []field{num("typeid"), num("offset"), rest(num("arg"))}},
	{25, "PARAM_ACCESS", 9, 12, isAttached, []field{rest(
		num("paramno"), num("lower"), num("upper"), count("numcalls"),
		times("numcalls", num("paramno"), value("callee"), num("lower"), num("upper")),
	)}},

	// Memory profiles of the next function (of the one before from version 13 on).
	{28, "COMBINED_CALLSITE_INFO", 9, 12, isAttached, []field{
		optValue("valueid"), count("numstackindices"), count("numver"),
		times("numstackindices", stack()), times("numver", num("version")),
	}},
	{29, "COMBINED_ALLOC_INFO", 9, 9, isAttached, []field{
		count("nummib"), count("numver"),
		times("nummib", num("alloc type"), context()), times("numver", num("version")),
	}},
	{29, "COMBINED_ALLOC_INFO", 10, 10, isAttached, []field{
		count("nummib"), count("numver"),
		times("nummib", num("alloc type"), context()), times("numver", num("version")),
		maybe("nummib", num("total size")),
	}},
	{29, "COMBINED_ALLOC_INFO", 11, 12, isAttached, []field{
		count("nummib"), count("numver"),
		times("nummib", num("alloc type"), context()), times("numver", num("version")),
	}},
	{33, "COMBINED_ALLOC_INFO_NO_CONTEXT", 12, 12, isAttached, []field{
		count("nummib"), count("numver"),
		times("nummib", num("alloc type")), times("numver", num("version")),
	}},

	{17, "CFI_FUNCTION_DEFS", 9, 12, isNames, []field{rest(str("name"))}},
	{18, "CFI_FUNCTION_DECLS", 9, 12, isNames, []field{rest(str("name"))}},
	{21, "TYPE_ID", 9, 12, isTypeID, []field{
		str("typeid"), num("kind"), num("bitwidth"), num("align"), num("size"), num("bitmask"), num("inlinebits"),
		rest(num("offset"), num("kind"), str("single impl name"), count("numrba"),
			times("numrba", count("numarg"), times("numarg", num("arg")),
				num("kind"), num("info"), num("byte"), num("bit"))),
	}},

	// Of the whole link: always written up to LLVM 18, later only if the link had
	// a partial sample profile, which is all that uses it.
	{24, "BLOCK_COUNT", 9, 12, isLink, []field{num("count")}},
}

// blockCountVersion is the first version of which LLVM writes BLOCK_COUNT only
// where it is used.
const blockCountVersion = 10
