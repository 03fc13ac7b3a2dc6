// Package rules is the list of rules, one small file per topic: what a binary needs against what the image provides,
// and the faults of a Dockerfile that lead there.
//
// A rule must be a pure function of its Subject: no files, no network, no clock, no environment.
package rules

import "github.com/imgaudit/imgaudit/pkg/audit"

// All returns every rule in the order of the documentation. The list is new on every call.
func All() []*audit.Rule {
	return append([]*audit.Rule{
		loaderMissing,
		libraryMissing,
		libcMismatch,
		architectureMismatch,
		entrypointMissing,
		entrypointNotExecutable,
		shellMissing,
		healthcheckCannotRun,
		commandMissing,
		caRootsMissing,
		caRootsUnreadable,
		caRootsExpired,
		zoneinfoMissing,
		timezoneUnresolved,
		tempDirMissing,
		userDatabaseMissing,
		resolverFallback,
		nameServiceSwitchMissing,
		mimeTypesMissing,
		cgoStubLinked,
		stopSignalLost,
		stopSignalUnhandled,
		stopSignalMismatch,
		orphansUnreaped,
		profilingExposed,
		staticFlagIneffective,
		toolchainMismatch,
		toolchainUnsupported,
		buildNotReproducible,
		buildModified,
		debugInfoShipped,
		cpuLimitIgnored,
		obsoleteDefaults,
		secretInLayer,
		secretInConfig,
		buildLeftovers,
		packageManagerShipped,
		setuidShipped,
		runsAsRoot,
		userNotNumeric,
		layerWaste,
		baseUnpinned,
		baseEndOfLife,
		environmentMalformed,
		environmentLeftover,
		singleStage,
		cgoWithoutCompiler,
		contextUnfiltered,
		copyTooWide,
		secretInBuild,
		doesNotBuild,
		modulesAfterSource,
		cacheMountMissing,
		cacheMountLost,
		targetArchIgnored,
		argOutOfScope,
		vcsUnavailable,
		installedInWrongStage,
		failureHidden,
		stageShadowsImage,
		stageUnused,
		stageIndex,
		execFormShellSyntax,
		shellForm,
		verificationDisabled,
		packageListsKept,
		packagesUnpinned,
		addInsteadOfCopy,
		workdirRelative,
		duplicateInstruction,
		maintainerDeprecated,
	}, buildkitRules()...)
}

// Find returns the rule with an ID, nil if there is none.
func Find(id string) *audit.Rule {
	for _, r := range All() {
		if r.ID == id {
			return r
		}
	}
	return nil
}
