package cli

import (
	"github.com/spf13/cobra"

	"aicv/lang"
	"aicv/lang/schema"
	"aicv/lang/schemadoc"
)

func (a *app) schemaCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "schema",
		Short: "Print the language's schema",
		Long: `Schema prints every block and attribute of the language, those of the providers
included: as aicv's own JSON, as a JSON Schema for suites in JSON syntax, or as the
Markdown reference.`,
		Example: "  aicv schema\n  aicv schema --format jsonschema > suite.schema.json",
		Args:    cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			document, err := a.schemaDocument(format)
			if err != nil {
				return err
			}
			_, err = a.stdio.Out.Write(document)
			return err
		},
	}
	c.Flags().StringVar(&format, "format", "json", "json, jsonschema or markdown")
	choices(c, "format", "json", "jsonschema", "markdown")
	return c
}

func (a *app) schemaDocument(format string) ([]byte, error) {
	language := schema.Language(a.config.Registrations)
	switch format {
	case "json":
		return schemadoc.JSON(language)
	case "jsonschema":
		return schemadoc.JSONSchema(language)
	case "markdown":
		return schemadoc.Markdown(language, a.config.Registrations, lang.Functions()), nil
	}
	return nil, wrongFormat(format, "json", "jsonschema", "markdown")
}
